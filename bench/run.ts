import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { BenchOptions } from './lib/options.ts'
import { save } from './lib/results.ts'
import type { Section } from './lib/section.ts'
import { printSection, progress } from './lib/terminal.ts'

// Told by the SDK at its first client otherwise, in the middle of what this prints.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'

type Bench = (options: BenchOptions) => Promise<Section>

export const benches: Record<string, () => Promise<{ run: Bench }>> = {
  client: () => import('./client.ts'),
  local: () => import('./local.ts'),
  units: () => import('./units.ts'),
  atomic: () => import('./atomic.ts'),
  twin: () => import('./twin.ts'),
  lru: () => import('./lru.ts'),
  queue: () => import('./queue.ts'),
  backends: () => import('./backends.ts'),
  'queue-peers': () => import('./queue-peers.ts'),
  scale: () => import('./scale.ts'),
  cold: () => import('./cold.ts'),
  size: () => import('./size.ts'),
}

function installPeers(): void {
  if (existsSync(new URL('./node_modules', import.meta.url))) return
  console.error('installing what is compared with: npm ci --prefix bench')
  const folder = fileURLToPath(new URL('.', import.meta.url))
  const { status } = spawnSync('npm', ['ci', '--prefix', folder], { stdio: 'inherit' })
  // A package that needs a binary from elsewhere may fail: the rest is worth having.
  if (status !== 0) spawnSync('npm', ['ci', '--ignore-scripts', '--prefix', folder], { stdio: 'inherit' })
}

const usage = `npm run bench -- [names...] [--tiny] [--no-save]

Runs the benchmarks named, or all: ${Object.keys(benches).join(', ')}
  --tiny     so small that it only shows that it works
  --no-save  leaves bench/results.json and bench/report.html as they are`

interface Asked {
  names: string[]
  tiny: boolean
  keeps: boolean
}

/** What is asked for on the command line; throws for what is not known, `undefined`: for help. */
export function asked(given: readonly string[]): Asked | undefined {
  const { values, positionals } = parseArgs({
    args: [...given],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      tiny: { type: 'boolean', default: false },
      'no-save': { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  const unknown = positionals.find((name) => !Object.hasOwn(benches, name))
  if (unknown) throw new Error(`no benchmark '${unknown}'`)
  const names = positionals.length > 0 ? positionals : Object.keys(benches)
  return { names, tiny: values.tiny, keeps: !values['no-save'] }
}

async function main({ names, tiny, keeps }: Asked): Promise<void> {
  installPeers()
  for (const name of names) {
    progress(`${name} ...`)
    const section = await (await benches[name]!()).run({ tiny })
    progress('')
    printSection(section)
    if (keeps) save([section])
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const what = asked(process.argv.slice(2))
    if (!what) {
      console.log(usage)
      process.exit(0)
    }
    await main(what)
    process.exit(0)
  } catch (error) {
    const isUsage = (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') ?? false
    if (!isUsage && !/^no benchmark/.test(String((error as Error).message))) throw error
    console.error(`${(error as Error).message}\n\n${usage}`)
    process.exit(2)
  }
}
