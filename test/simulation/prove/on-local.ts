import { runLocal } from '../local/run.ts'
import { runInProcesses } from '../pool.ts'
import type { WireResult } from '../wire/report.ts'
import type { WireTask } from '../wire/worker.ts'
import { type WorkloadSetName, workloadSets } from '../workloads/index.ts'
import type { LocalPart } from './report.ts'

export interface OnLocalOptions {
  endpoint: string
  /** The first seed. */
  first: number
  operations: number
  workloads: WorkloadSetName
  /** What comes of it is added up here. */
  part: LocalPart
  signal: AbortSignal
  progress: (done: number) => void
}

/** Faults in the SDK's client; one run of 4,000 operations after the other. */
export async function withClientFaults(options: OnLocalOptions): Promise<void> {
  const { endpoint, first, operations, workloads, part, signal, progress } = options
  while (part.operations < operations && !signal.aborted) {
    const before = part.operations
    const run = await runLocal({
      endpoint,
      seed: first + part.runs,
      operations: Math.min(4000, operations - before),
      clients: 64,
      workloads: workloadSets[workloads],
      signal,
      progress: (done) => progress(before + Math.floor(done)),
    })
    add(part, run)
    part.seconds += run.seconds
  }
}

// Some runs wait in real time, and the machine may have other work.
const maxSeconds = 900

/** Real clients on real sockets, each through a fault proxy of its own; runs of 1,000 operations in processes. */
export async function throughProxies(options: OnLocalOptions): Promise<void> {
  const { endpoint, first, operations, workloads, part, signal, progress } = options
  const started = performance.now()
  let planned = 0
  let seed = first
  await runInProcesses<WireTask, WireResult>({
    script: new URL('../wire/worker.ts', import.meta.url),
    next() {
      if (planned >= operations) return undefined
      const size = Math.min(1000, operations - planned)
      planned += size
      return { endpoint, seed: seed++, operations: size, maxSeconds, workloads }
    },
    onResult(result) {
      add(part, result)
      for (const { kind, message } of result.findings)
        console.log(`\nseed ${result.seed}: ${kind}: ${message}\n${result.around.join('\n')}\n`)
      progress(part.operations)
    },
    signal,
  })
  part.seconds = (performance.now() - started) / 1000
}

function add(
  part: LocalPart,
  run: Pick<WireResult, 'seed' | 'operations' | 'histories' | 'faults' | 'findings'>,
): void {
  part.runs++
  part.operations += run.operations
  part.histories += run.histories
  for (const [fault, count] of Object.entries(run.faults))
    part.faults[fault] = (part.faults[fault] ?? 0) + count
  for (const finding of run.findings) part.findings.push({ seed: run.seed, ...finding })
}
