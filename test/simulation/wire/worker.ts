/** A child of `npm run prove:wire`: does the runs that it is sent, one at a time. */
import { around } from '../trace.ts'
import { everyWorkload, type WorkloadSetName, workloadSets } from '../workloads/index.ts'
import type { WireTransport } from './plan.ts'
import type { WireResult } from './report.ts'
import { runWire } from './run.ts'

export interface WireTask {
  endpoint: string
  seed: number
  operations: number
  /** @default 'sdk' */
  transport?: WireTransport
  /** Longer than this the run has got stuck. */
  maxSeconds?: number
  /** @default 'all' */
  workloads?: WorkloadSetName
}

process.on('message', async ({ workloads = 'all', ...task }: WireTask) => {
  const run = await runWire({
    ...task,
    workloads: workloads === 'all' ? everyWorkload : workloadSets[workloads],
    trace: true,
  })
  const { seed, operations, requests, faults, lateWrites, plan, findings, histories, calls } = run
  const [first] = findings
  const result: WireResult = {
    seed,
    operations,
    requests,
    faults,
    lateWrites,
    mode: plan.mode,
    usual: plan.retry === undefined && plan.mode !== 'lru',
    calls: Object.fromEntries(calls),
    findings,
    histories,
    around: first ? around(first, run.history.events, run.trace) : [],
  }
  process.send!(result)
})
// Without a parent there is nobody to work for.
process.on('disconnect', () => process.exit())
// The parent has heard it as well, and ends this process when it wants to.
process.on('SIGINT', () => {})
