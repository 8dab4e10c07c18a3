/**
 * `npm run prove`: a million operations in simulation, 20,000 on DynamoDB Local, processes killed; one report.
 * `--proxy`: on DynamoDB Local the faults are those of the fault proxy. `--transactions`: only the workloads in which
 * transactions meet plain writes, messages and expiry.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { startDynamoDBLocal } from '../../../src/testing/dynamo-local.ts'
import { drills } from '../../drills/index.ts'
import { drill } from '../../drills/world.ts'
import { crashBank } from '../crash/bank.ts'
import { libraryVersion } from '../version.ts'
import type { WorkloadSetName } from '../workloads/index.ts'
import { htmlReport } from './html.ts'
import { throughProxies, withClientFaults } from './on-local.ts'
import { allFindings, emptyReport, missing, terminalReport } from './report.ts'
import { simulateSeeds } from './simulate.ts'

// Told by the SDK at its first client otherwise, in the middle of what this prints.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    steps: { type: 'string', default: '1000' },
    first: { type: 'string', default: '1' },
    drills: { type: 'string', default: '50' },
    local: { type: 'string', default: '20000' },
    crash: { type: 'string', default: '20' },
    proxy: { type: 'boolean', default: false },
    transactions: { type: 'boolean', default: false },
    report: { type: 'string', default: '.tmp/proof.html' },
  },
})

function number(name: 'seeds' | 'steps' | 'first' | 'drills' | 'local' | 'crash'): number {
  const value = Number(values[name])
  if (Number.isSafeInteger(value) && value >= 0) return value
  console.error(`--${name} must be a whole number from 0, got ${values[name]}`)
  process.exit(2)
}

const plan = {
  seeds: number('seeds'),
  steps: number('steps'),
  first: number('first'),
  drills: number('drills'),
  local: number('local'),
  crash: number('crash'),
}
const workloads: WorkloadSetName = values.transactions ? 'transactions' : 'all'
const report = emptyReport(libraryVersion(), values.proxy)
const stopped = new AbortController()
process.once('SIGINT', () => {
  console.log('\nstopping: the report covers what was done so far (again Ctrl-C to leave at once)')
  stopped.abort()
  process.once('SIGINT', () => process.exit(130))
})

let shownAt = 0
function progress(text: string, force = false): void {
  const now = performance.now()
  const every = process.stdout.isTTY ? 200 : 5000
  if (!force && now - shownAt < every) return
  shownAt = now
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${text}${force ? '\n' : ''}`)
  else console.log(text)
}

const started = performance.now()
const elapsed = () => (performance.now() - started) / 1000

async function simulation(): Promise<void> {
  const { sim } = report
  const from = performance.now()
  const update = (force = false) => {
    sim.seconds = (performance.now() - from) / 1000
    progress(
      `simulation: ${sim.seeds} of ${plan.seeds} seeds, ${sim.operations} operations, ${sim.findings.length} anomalies, ${sim.seconds.toFixed(0)} s`,
      force,
    )
  }
  await simulateSeeds({
    ...plan,
    workloads,
    signal: stopped.signal,
    onResult(result) {
      sim.seeds++
      sim.operations += result.operations
      sim.simulatedMs += result.simulatedMs
      sim.events += result.events
      sim.histories += result.histories
      for (const [fault, count] of Object.entries(result.faults))
        sim.faults[fault] = (sim.faults[fault] ?? 0) + count
      for (const finding of result.findings) sim.findings.push({ seed: result.seed, ...finding })
      sim.progress.push([(performance.now() - from) / 1000, sim.operations])
      update()
    },
  })
  update(true)
}

async function drilling(): Promise<void> {
  const part = report.drills
  const from = performance.now()
  for (const drilled of drills)
    for (let seed = plan.first; seed < plan.first + plan.drills && !stopped.signal.aborted; seed++) {
      const run = await drill(seed, drilled)
      part.runs++
      part.histories++
      part.operations += run.operations
      part.seconds = (performance.now() - from) / 1000
      for (const [fault, count] of Object.entries(run.faults))
        part.faults[fault] = (part.faults[fault] ?? 0) + count
      for (const finding of run.findings) part.findings.push({ seed, ...finding })
      progress(`drills: ${part.runs} of ${drills.length * plan.drills}, ${part.findings.length} anomalies`)
      // Promises alone never let go of the event loop: Ctrl-C must be heard.
      await new Promise(setImmediate)
    }
  progress(`drills: ${part.runs} runs, ${part.findings.length} anomalies`, true)
}

async function onLocal(endpoint: string): Promise<void> {
  const { local } = report
  const run = local.proxy ? throughProxies : withClientFaults
  await run({
    endpoint,
    first: plan.first,
    operations: plan.local,
    workloads,
    part: local,
    signal: stopped.signal,
    progress: (done) =>
      progress(`DynamoDB Local: ${done} of ${plan.local} operations, ${local.findings.length} anomalies`),
  })
  progress(`DynamoDB Local: ${local.operations} operations, ${local.findings.length} anomalies`, true)
}

async function crashes(endpoint: string): Promise<void> {
  progress(`crash test: processes are killed for ${plan.crash} s`, true)
  const { signal } = stopped
  const result = await crashBank({ endpoint, seed: plan.first, seconds: plan.crash, signal })
  report.crash = result
  progress(`crash test: ${result.kills} killed, ${result.total} of ${result.expected} there`, true)
}

console.log(
  `lockrow ${report.version}, node ${process.version}, seeds ${plan.first} to ${plan.first + plan.seeds - 1}`,
)
if (plan.seeds > 0) await simulation()
if (plan.drills > 0 && !stopped.signal.aborted) await drilling()
if (!stopped.signal.aborted && plan.local + plan.crash > 0) {
  const server = await startDynamoDBLocal()
  try {
    if (plan.local > 0) await onLocal(server.endpoint)
    if (plan.crash > 0 && !stopped.signal.aborted) await crashes(server.endpoint)
  } finally {
    await server.stop()
  }
}
report.seconds = elapsed()
console.log(`\n${terminalReport(report)}`)
await mkdir(dirname(values.report), { recursive: true })
await writeFile(values.report, htmlReport(report))
console.log(`\nreport with charts: ${values.report}`)

const unseen = stopped.signal.aborted ? [] : missing(report, plan)
for (const what of unseen) console.error(`not reached: ${what}`)
const anomalies = allFindings(report).length
const unbalanced = report.crash && (report.crash.total !== report.crash.expected || report.crash.negative > 0)
process.exit(anomalies > 0 || unseen.length > 0 || unbalanced ? 1 : stopped.signal.aborted ? 130 : 0)
