import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
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

async function main(given: readonly string[]): Promise<void> {
  const names = given.filter((name) => !name.startsWith('--'))
  const unknown = names.find((name) => !benches[name])
  if (unknown) throw new Error(`no benchmark '${unknown}': there are ${Object.keys(benches).join(', ')}`)
  installPeers()
  for (const name of names.length > 0 ? names : Object.keys(benches)) {
    progress(`${name} ...`)
    const section = await (await benches[name]!()).run({ tiny: given.includes('--tiny') })
    progress('')
    printSection(section)
    if (!given.includes('--no-save')) save([section])
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(process.argv.slice(2))
  process.exit(0)
}
