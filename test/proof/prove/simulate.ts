import { type ChildProcess, fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
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

const script = fileURLToPath(new URL('./worker.ts', import.meta.url))

/** Simulates seeds from `first` on, in as many processes as there are cores. */
export async function simulateSeeds(options: {
  first: number
  seeds: number
  steps: number
  onResult: (result: SeedResult) => void
  signal: AbortSignal
}): Promise<void> {
  const { first, seeds, steps, onResult, signal } = options
  let next = 0
  const work = (child: ChildProcess) =>
    new Promise<void>((resolve, reject) => {
      const feed = () => {
        if (next >= seeds || signal.aborted) return resolve()
        const seed = first + next++
        child.send({ seed, steps, twice: seed % 50 === 0 } satisfies SeedTask)
      }
      child.on('message', (result: SeedResult) => {
        onResult(result)
        feed()
      })
      child.on('error', reject)
      child.on('exit', (code, killedBy) =>
        signal.aborted ? resolve() : reject(new Error(`a worker ended with ${code ?? killedBy}`)),
      )
      signal.addEventListener('abort', () => resolve())
      feed()
    })
  const children = Array.from({ length: availableParallelism() }, () => fork(script))
  try {
    await Promise.all(children.map(work))
  } finally {
    for (const child of children) {
      child.removeAllListeners('exit')
      child.kill()
    }
  }
}
