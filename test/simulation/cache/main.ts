/** `npm run prove:cache -- [--seeds 500] [--first 1] [--steps 200]`: random histories of caches, each answer judged. */
import { parseArgs } from 'node:util'
import { libraryVersion } from '../version.ts'
import { byRule, cacheRun } from './workload.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '500' },
    first: { type: 'string', default: '1' },
    steps: { type: 'string', default: '200' },
  },
})
const number = (name: keyof typeof values): number => {
  const value = Number(values[name])
  if (Number.isSafeInteger(value) && value > 0) return value
  console.error(`--${name} must be a whole number from 1, got ${values[name]}`)
  process.exit(2)
}
const seeds = number('seeds')
const first = number('first')
const steps = number('steps')

const begun = performance.now()
const totals: Record<string, number> = {}
const add = (counts: object) => {
  for (const [name, count] of Object.entries(counts)) totals[name] = (totals[name] ?? 0) + count
}
const rules: Record<string, number> = {}
let anomalies = 0
for (let seed = first; seed < first + seeds; seed++) {
  const run = await cacheRun(seed, steps)
  add({ operations: run.operations, hits: run.hits, coalesced: run.coalesced, ...run.reads })
  add(run.faults)
  anomalies += run.findings.length
  for (const [rule, count] of Object.entries(byRule(run.findings))) rules[rule] = (rules[rule] ?? 0) + count
  for (const { rule, message } of run.findings.slice(0, 2))
    if (anomalies < 40) console.log(`seed ${seed}@${libraryVersion()}: ${rule}: ${message}`)
}
const listed = (counts: Record<string, number>) =>
  Object.entries(counts)
    .map(([name, count]) => `${name} ${count.toLocaleString('en')}`)
    .join(', ')
console.log(listed(totals))
console.log(`${anomalies} anomalies in ${((performance.now() - begun) / 1000).toFixed(1)} s ${listed(rules)}`)
process.exit(anomalies > 0 ? 1 : 0)
