/**
 * `npm run prove:planted -- [--seeds 50] [--first 1] [--only TEXT]`: plants each defect of the list in a copy of the
 * library in memory and drills until it is found. Fails when one is not found within so many seeds. Every line can be
 * replayed with `--first SEED --seeds 1 --only NAME`.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { type Hunted, hunt } from './hunt.ts'
import { defects } from './list.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '50' },
    first: { type: 'string', default: '1' },
    only: { type: 'string' },
    processes: { type: 'string', default: String(availableParallelism()) },
  },
})
const number = (name: 'seeds' | 'first' | 'processes'): number => {
  const value = Number(values[name])
  if (Number.isSafeInteger(value) && value > 0) return value
  console.error(`--${name} must be a whole number from 1, got ${values[name]}`)
  process.exit(2)
}
const seeds = number('seeds')
const first = number('first')
const processes = number('processes')
const only = values.only
const chosen = defects.filter(
  (one) => only === undefined || `${one.class}: ${one.name} (${one.drill})`.includes(only),
)
if (chosen.length === 0) {
  console.error(`no planted defect has '${only}' in its class, name or drill`)
  process.exit(2)
}

const stopped = new AbortController()
process.once('SIGINT', () => stopped.abort())

const begun = performance.now()
const results = new Map<string, Hunted>()
const under = new Map<string, number>()

function show(text: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${text}`)
}

function progress(): void {
  const now = [...under].map(([name, seed]) => `${name} (seed ${seed})`).join('; ')
  show(`${results.size} of ${chosen.length} done; ${now}`)
}

async function work(queue: typeof chosen): Promise<void> {
  for (let defect = queue.shift(); defect && !stopped.signal.aborted; defect = queue.shift()) {
    const { name } = defect
    const onSeed = (seed: number) => {
      under.set(name, seed)
      progress()
    }
    const result = await hunt(defect, { first, seeds, signal: stopped.signal, onSeed })
    under.delete(name)
    if (stopped.signal.aborted) return
    results.set(name, result)
    const seed = result.seed === undefined ? 'NOT FOUND' : `seed ${result.seed}`
    const kinds =
      result.trouble ?? result.kinds.map((kind) => kind.replace(`${defect.drill}: `, '')).join(', ')
    show('')
    console.log(
      `${seed.padEnd(9)}  ${defect.class.padEnd(12)}  ${name}\n${' '.repeat(25)}${defect.drill}: ${kinds}`,
    )
    progress()
  }
}

console.log(`${chosen.length} planted defects, seeds ${first} to ${first + seeds - 1} of a drill for each`)
const queue = [...chosen]
await Promise.all(Array.from({ length: processes }, () => work(queue)))
show('')
const found = [...results.values()].filter(({ seed }) => seed !== undefined).length
const seconds = Math.round((performance.now() - begun) / 1000)
console.log(`\n${found} of ${chosen.length} planted defects found in ${seconds} s`)
for (const { name, drill } of chosen)
  if (results.has(name) && results.get(name)!.seed === undefined) console.log(`not found: ${name} (${drill})`)
process.exit(stopped.signal.aborted ? 130 : found === chosen.length ? 0 : 1)
