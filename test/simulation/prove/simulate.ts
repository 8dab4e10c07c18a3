import { runInProcesses } from '../pool.ts'
import type { SimulationRun } from '../run.ts'
import type { WorkloadSetName } from '../workloads/index.ts'

export interface SeedTask {
  seed: number
  steps: number
  /** Run it again and compare. */
  twice: boolean
  workloads: WorkloadSetName
}

export type SeedResult = Pick<
  SimulationRun,
  'seed' | 'operations' | 'simulatedMs' | 'events' | 'faults' | 'histories' | 'findings'
>

/** Simulates seeds from `first` on, in as many processes as there are cores. */
export async function simulateSeeds(options: {
  first: number
  seeds: number
  steps: number
  workloads: WorkloadSetName
  onResult: (result: SeedResult) => void
  signal: AbortSignal
}): Promise<void> {
  const { first, seeds, steps, workloads, onResult, signal } = options
  let begun = 0
  await runInProcesses<SeedTask, SeedResult>({
    script: new URL('./worker.ts', import.meta.url),
    next() {
      if (begun >= seeds) return undefined
      const seed = first + begun++
      return { seed, steps, twice: seed % 50 === 0, workloads }
    },
    onResult,
    signal,
  })
}
