import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { bundled } from './lib/bundle.ts'
import { importTimes } from './lib/import-time.ts'
import { type Spread, spread } from './lib/measure.ts'
import type { BenchOptions } from './lib/options.ts'
import { optional, versionOf } from './lib/peers.ts'
import { sdkVersion } from './lib/sdk.ts'
import type { Section, Table, Target } from './lib/section.ts'
import { buildPackage, minified } from './lib/size.ts'
import { number, progress } from './lib/terminal.ts'
import { instantiations } from './lib/type-cost.ts'
import { bundles, handlers, imports, typed } from './size-subjects.ts'

const bench = fileURLToPath(new URL('.', import.meta.url))

const ms = ({ median, low, high }: Spread): string => `${number(median)} [${number(low)} to ${number(high)}]`

/** What it costs to have lockrow in a bundle, in a cold start and in the compiler, next to its alternatives. */
export async function run({ tiny }: BenchOptions): Promise<Section> {
  // Beside node_modules of the benchmarks, where peers and SDK are found; never the dist that others may be building.
  const folder = mkdtempSync(join(bench, '.tmp-size-'))
  const notes: string[] = []
  const targets: Target[] = []
  try {
    progress('size: building the package')
    await buildPackage(folder)
    const tables = [
      await sizes(targets, notes),
      ...(await handlerBundles(folder, targets)),
      await imported(folder, tiny ? 2 : 20, targets, notes),
      await types(folder, tiny, targets, notes),
    ]
    return {
      id: 'size',
      title: 'Size, import time and type cost',
      settings: { '@aws-sdk': sdkVersion, rounds: tiny ? 2 : 20 },
      tables,
      charts: [
        {
          kind: 'bars',
          title: 'Own minified code',
          unit: 'kB',
          bars: tables[0]!.rows.map(([name, size]) => ({ name: String(name), value: Number(size) })),
        },
      ],
      targets,
      notes: [
        ...notes,
        'Size: esbuild, minified ESM for Node 20; AWS SDK and its Smithy packages left out for everybody, every other dependency counted.',
        'lockrow/dynamo is one engine with the whole contract: locks, conditions and updates with their checks, transactions, the queue. A bundler cannot leave methods of a class away, so AtomicDynamoDB alone is nearly as large as everything.',
        'A handler: one minified ES module with the AWS SDK and everything else in it (esbuild).',
        'Import time: a process of its own each time, in turn; from the start of the process until everything is imported, and the part after the SDK is there.',
        'Type cost: tsc --strict --skipLibCheck --extendedDiagnostics on one small file each; the SDK file makes a client and gets an item.',
      ],
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function sizes(targets: Target[], notes: string[]): Promise<Table> {
  const rows: (string | number)[][] = []
  for (const { name, of, code, most } of bundles) {
    progress(`size: ${name}`)
    const size = await optional(of ?? name, notes, () => minified(code, bench))
    if (!size) continue
    rows.push([of ? `${name} ${versionOf(of)}` : name, size.bytes / 1000, size.gzip / 1000])
    if (most !== undefined)
      targets.push({
        what: `own minified code, ${name}`,
        target: `at most ${most} kB`,
        value: `${number(size.bytes / 1000)} kB`,
        met: size.bytes <= most * 1000,
      })
  }
  return { title: 'Own minified code', columns: ['what', 'kB', 'kB, gzip'], rows }
}

/** The whole of a function as it is deployed, and what it is made of. */
async function handlerBundles(folder: string, targets: Target[]): Promise<Table[]> {
  const rows: (string | number)[][] = []
  const shares: (string | number)[][] = []
  for (const { name, code, most } of handlers) {
    progress(`size: ${name}`)
    const { contents } = await bundled(code('lockrow/direct', 'lockrow/dynamo'), folder)
    const kB = contents.length / 1000
    rows.push([name, kB, gzipSync(contents).length / 1000])
    if (most === undefined) continue
    targets.push({
      what: `a handler with everything in it, ${name}`,
      target: `at most ${most} kB`,
      value: `${number(kB)} kB`,
      met: kB <= most,
    })
    // From the sources, for the package has one file for all of them.
    const { bytesOf } = await bundled(code('../src/direct/index.ts', '../src/dynamo/index.ts'), bench)
    shares.push(...byFolder(bytesOf))
  }
  return [
    {
      title: 'A handler that reads, updates and commits, everything included',
      columns: ['with', 'kB', 'kB, gzip'],
      rows,
    },
    { title: 'What the handler with lockrow/direct is made of', columns: ['folder', 'kB'], rows: shares },
  ]
}

function byFolder(bytesOf: Readonly<Record<string, number>>): (string | number)[][] {
  const sums = new Map<string, number>()
  for (const [file, bytes] of Object.entries(bytesOf)) {
    const folder = /(?:node_modules|src)\/(?:@[^/]+\/)?(?:engine\/)?[^/]+(?=\/)/.exec(file)?.[0] ?? 'the rest'
    sums.set(folder, (sums.get(folder) ?? 0) + bytes)
  }
  return [...sums].sort(([, a], [, b]) => b - a).map(([folder, bytes]) => [folder, bytes / 1000])
}

async function imported(folder: string, rounds: number, targets: Target[], notes: string[]): Promise<Table> {
  const measured = await importTimes(imports, rounds, folder, notes)
  const [base, ours] = measured
  const rows = measured.map(({ name, total, own }) => [name, ms(spread(total)), own ? ms(spread(own)) : '-'])
  const extra = spread(ours!.total.map((value, i) => value - base!.total[i]!)).median
  const share = spread(ours!.total.map((value, i) => value / base!.total[i]!)).median - 1
  targets.push({
    what: "import of lockrow/dynamo over the SDK's two packages",
    target: 'at most 5 % and 5 ms',
    value: `${number(share * 100)} %, ${number(extra)} ms`,
    met: share <= 0.05 && extra <= 5,
  })
  return { title: 'Import time, ms', columns: ['imports', 'from the start', 'after the SDK'], rows }
}

async function types(folder: string, tiny: boolean, targets: Target[], notes: string[]): Promise<Table> {
  const rows: (string | number)[][] = []
  let base = 0
  for (const { name, of, code } of typed) {
    // The others take tsc half a minute and show nothing new in a smoke test.
    if (tiny && of) continue
    progress(`types: ${name}`)
    const count = await optional(of ?? name, notes, () => instantiations(code, folder))
    if (count === undefined) continue
    if (rows.length === 0) base = count
    rows.push([of ? `${name} ${versionOf(of)}` : name, count, count - base])
    if (name.startsWith('lockrow'))
      targets.push({
        what: `type instantiations over the SDK's own, ${name}`,
        target: 'at most 3,000',
        value: number(count - base),
        met: count - base <= 3000,
      })
  }
  return {
    title: 'Type instantiations of a small file',
    columns: ['file', 'instantiations', 'over the SDK'],
    rows,
  }
}
