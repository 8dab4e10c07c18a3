import { runInProcesses } from '../pool.ts'
import type { SimulationRun } from '../sim/run.ts'

export interface SeedTask {
  seed: number
  steps: number
  /** Run it again and compare. */
  twice: boolean
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
  onResult: (result: SeedResult) => void
  signal: AbortSignal
}): Promise<void> {
  const { first, seeds, steps, onResult, signal } = options
  let begun = 0
  await runInProcesses<SeedTask, SeedResult>({
    script: new URL('./worker.ts', import.meta.url),
    next() {
      if (begun >= seeds) return undefined
      const seed = first + begun++
      return { seed, steps, twice: seed % 50 === 0 }
    },
    onResult,
    signal,
  })
}
