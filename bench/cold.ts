import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type ColdSubject, subjects } from './cold-subjects.ts'
import { bundled } from './lib/bundle.ts'
import { withInstantServer } from './lib/instant.ts'
import { withLocal } from './lib/local.ts'
import { type Spread, spread } from './lib/measure.ts'
import type { BenchOptions } from './lib/options.ts'
import { type NodeVersion, nodeOfMajor, thisNode } from './lib/other-node.ts'
import { optional, versionOf } from './lib/peers.ts'
import { sdkVersion } from './lib/sdk.ts'
import type { Section, Table, Target } from './lib/section.ts'
import { buildPackage } from './lib/size.ts'
import { number, progress } from './lib/terminal.ts'

const bench = fileURLToPath(new URL('.', import.meta.url))
const execute = promisify(execFile)

/** A bundle on disk, and the endpoint that answers it. */
interface Built {
  name: string
  file: string
  kB: number
  endpoint: string
}
/** One value per round: ms from the start of the process until the item is there, MB in memory then and 100 reads later. */
interface Starts {
  ms: number[]
  mb: number[]
  later: number[]
}
type Measured = Map<string, Starts>

/** From the start of a process to the first item: what a Lambda function pays at a cold start, without the network. */
export async function run({ tiny }: BenchOptions): Promise<Section> {
  const folder = mkdtempSync(join(bench, '.tmp-cold-'))
  const notes: string[] = []
  const rounds = tiny ? 1 : 30
  try {
    progress('cold: building the package')
    await buildPackage(folder)
    const later = tiny ? undefined : nodeOfMajor(24)
    if (!tiny && !later) notes.push('Node 24 could not be had from npm here.')
    const nodes = later ? [thisNode, later] : [thisNode]
    return await withLocal((local, table) =>
      withInstantServer(local, async (server) => {
        const built: Built[] = []
        for (const subject of tiny ? subjects.slice(0, 2) : subjects) {
          const endpoint = await server.endpoint()
          const one = await optional(subject.of ?? subject.name, notes, () =>
            build(subject, folder, endpoint, table),
          )
          if (one) built.push(one)
        }
        await server.freeze()
        const measured: Measured[] = []
        for (const node of nodes) measured.push(await started(node, built, table, rounds))
        return section(nodes, built, measured, notes, rounds)
      }),
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Writes the item, or reads it and says how long that took. The check comes after the clock was read. */
const main = `
if (process.env.WRITE) await write()
else {
  const item = await read()
  const ms = performance.now()
  const mb = process.memoryUsage().rss / 1e6
  for (let i = 0; i < 100; i++) await read()
  console.log(JSON.stringify([ms, mb, process.memoryUsage().rss / 1e6]))
  if (!JSON.stringify(item).includes('stock')) throw new Error('no item')
}
process.exit(0)
`

async function build(subject: ColdSubject, folder: string, endpoint: string, table: string): Promise<Built> {
  progress(`cold: ${subject.name}`)
  const { contents } = await bundled(subject.code + main, folder)
  const file = join(folder, `${subject.name.replaceAll(/\W/g, '-')}.mjs`)
  writeFileSync(file, contents)
  const name = subject.of ? `${subject.name} ${versionOf(subject.of)}` : subject.name
  const one = { name, file, kB: contents.length / 1000, endpoint }
  await processOf(thisNode, one, table, { WRITE: '1' })
  await processOf(thisNode, one, table)
  return one
}

async function processOf(
  node: NodeVersion,
  { file, endpoint }: Built,
  table: string,
  more = {},
): Promise<string> {
  const env = { PATH: process.env.PATH, ENDPOINT: endpoint, TABLE: table, ...more }
  const { stdout } = await execute(node.file, ['--no-warnings', file], { env, timeout: 60_000 })
  return stdout
}

async function started(
  node: NodeVersion,
  built: readonly Built[],
  table: string,
  rounds: number,
): Promise<Measured> {
  const measured: Measured = new Map(built.map(({ name }) => [name, { ms: [], mb: [], later: [] }]))
  for (let round = 0; round < rounds; round++) {
    progress(`cold: ${node.name}, round ${round + 1} of ${rounds}`)
    for (const one of round % 2 === 0 ? built : [...built].reverse()) {
      const [ms, mb, later] = JSON.parse(await processOf(node, one, table)) as [number, number, number]
      const starts = measured.get(one.name)!
      starts.ms.push(ms)
      starts.mb.push(mb)
      starts.later.push(later)
    }
  }
  return measured
}

const quartiles = ({ median, low, high }: Spread): string =>
  `${number(median)} [${number(low)} to ${number(high)}]`

const tableOf = (node: NodeVersion, built: readonly Built[], measured: Measured): Table => ({
  title: `${node.name}: from the start of the process to the first item (median [quartiles])`,
  columns: ['bundle', 'ms', 'MB in memory', 'MB after 100 more', 'kB of code'],
  rows: built.map(({ name, kB }) => {
    const { ms, mb, later } = measured.get(name)!
    return [name, ...[ms, mb, later].map((values) => quartiles(spread(values))), number(kB)]
  }),
})

/** Round by round against another bundle. */
function targetsOf(node: NodeVersion, built: readonly Built[], measured: Measured): Target[] {
  const ours = measured.get('lockrow/direct')!
  const against = (begin: string): [string, Starts] | undefined => {
    const other = built.find(({ name }) => name.startsWith(begin))
    return other && [other.name, measured.get(other.name)!]
  }
  const share = (begin: string, most: number): Target[] => {
    const other = against(begin)
    if (!other) return []
    const { median } = spread(ours.ms.map((value, i) => value / other[1].ms[i]!))
    const what = `${node.name}: lockrow/direct against ${other[0]}, start to first item`
    return [{ what, target: `at most ${most}`, value: median.toFixed(3), met: median <= most }]
  }
  const [, sdk] = against('SDK and lockrow')!
  const less = (when: string, of: 'mb' | 'later'): Target => {
    const { median } = spread(sdk[of].map((value, i) => value - ours[of][i]!))
    const what = `${node.name}: memory of lockrow/direct below that of SDK and lockrow, ${when}`
    return { what, target: 'at least 8 MB', value: `${number(median)} MB`, met: median >= 8 }
  }
  return [
    ...share('SDK and lockrow', 0.35),
    ...share('SDK and ElectroDB', 0.3),
    less('with the first item', 'mb'),
    less('after 100 more', 'later'),
  ]
}

function section(
  nodes: readonly NodeVersion[],
  built: readonly Built[],
  measured: readonly Measured[],
  notes: readonly string[],
  rounds: number,
): Section {
  return {
    id: 'cold',
    title: 'Cold start: from the start of a process to the first item',
    settings: { '@aws-sdk': sdkVersion, rounds },
    targets: nodes.flatMap((node, i) => targetsOf(node, built, measured[i]!)),
    tables: nodes.map((node, i) => tableOf(node, built, measured[i]!)),
    charts: nodes.map((node, i) => ({
      kind: 'bars' as const,
      title: node.name,
      unit: 'ms to the first item',
      bars: built.map(({ name }) => {
        const { median, low, high } = spread(measured[i]!.get(name)!.ms)
        return { name, value: median, low, high }
      }),
    })),
    notes: [
      ...notes,
      'Each bundle is one minified ES module with everything in it (esbuild), as a function is deployed; a process of its own each time, in turn. The server is another process that answers at once with what DynamoDB Local has answered.',
      'Memory is the resident set when the item is there, and after 100 more of the same.',
    ],
  }
}
