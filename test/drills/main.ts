/**
 * `npm run prove:drills -- [--seeds 200] [--first 1] [--only NAME]`: each feature under many contenders, crashes, pauses,
 * wrong clocks and lost replies; every history checked. Fails when anything is found.
 */
import { parseArgs } from 'node:util'
import { libraryVersion } from '../simulation/version.ts'
import { drills } from './index.ts'
import { drill } from './world.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    first: { type: 'string', default: '1' },
    only: { type: 'string' },
  },
})
const number = (name: 'seeds' | 'first'): number => {
  const value = Number(values[name])
  if (Number.isSafeInteger(value) && value > 0) return value
  console.error(`--${name} must be a whole number from 1, got ${values[name]}`)
  process.exit(2)
}
const seeds = number('seeds')
const first = number('first')
const chosen = drills.filter(({ name }) => !values.only || name.includes(values.only))
if (chosen.length === 0) {
  console.error(`no drill has '${values.only}' in its name: ${drills.map(({ name }) => name).join('; ')}`)
  process.exit(2)
}

let stopped = false
process.once('SIGINT', () => {
  stopped = true
})
console.log(`lockrow ${libraryVersion()}, seeds ${first} to ${first + seeds - 1} of each drill`)
let anomalies = 0
let all = 0
const faults: Record<string, number> = {}
for (const drilled of chosen) {
  const begun = performance.now()
  let operations = 0
  let found = 0
  let simulatedMs = 0
  for (let seed = first; seed < first + seeds && !stopped; seed++) {
    const run = await drill(seed, drilled)
    operations += run.operations
    simulatedMs += run.simulatedMs
    found += run.findings.length
    for (const [fault, count] of Object.entries(run.faults)) faults[fault] = (faults[fault] ?? 0) + count
    for (const { kind, message } of run.findings.slice(0, 3))
      console.log(`seed ${seed}@${libraryVersion()}: ${kind}: ${message}`)
    // Promises alone never let go of the event loop: Ctrl-C must be heard.
    await new Promise(setImmediate)
  }
  anomalies += found
  all += operations
  const seconds = (performance.now() - begun) / 1000
  console.log(
    `${drilled.name.padEnd(28)} ${operations.toLocaleString('en').padStart(9)} operations, ${Math.round(simulatedMs / 1000).toLocaleString('en')} simulated s in ${seconds.toFixed(1)} s, ${found} anomalies`,
  )
}
console.log(
  Object.entries(faults)
    .map(([fault, count]) => `${fault} ${count.toLocaleString('en')}`)
    .join(', '),
)
console.log(`${all.toLocaleString('en')} operations, ${anomalies} anomalies`)
process.exit(anomalies > 0 ? 1 : stopped ? 130 : 0)
