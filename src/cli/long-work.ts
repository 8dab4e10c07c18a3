/** Work in batches, with a bar on a terminal, which Ctrl-C stops between two batches. */
import cliProgress from 'cli-progress'
import { inDoubt, Unfinished } from './failures.ts'
import { duration } from './format.ts'
import type { Io } from './session.ts'

/** How long work is watched and stopped. */
export interface Work {
  /** Looked at between batches. */
  stop: AbortSignal
  onProgress(done: number, total: number): void
}

export interface WorkDone {
  done: number
  /** What was to be done. */
  total: number
  /** Ctrl-C came first. */
  stopped: boolean
}

/** Batches until the total is reached, or `batch` says that nothing is left. An error tells how far it came. */
export async function inBatches(
  { stop, onProgress }: Work,
  total: number,
  soFar: (done: number) => string,
  batch: (done: number) => Promise<{ done: number; over?: boolean }>,
): Promise<WorkDone> {
  let done = 0
  onProgress(0, total)
  while (done < total && !stop.aborted) {
    try {
      const step = await batch(done)
      done += step.done
      onProgress(Math.min(done, total), total)
      if (step.over) return { done, total, stopped: false }
    } catch (error) {
      // One that was refused needs no account of itself.
      if (total === 1 && !inDoubt(error)) throw error
      const reached = `${soFar(done)} and failed (some of what was under way may be done)`
      throw new Unfinished(reached, { cause: error })
    }
  }
  return { done, total, stopped: done < total }
}

/** Runs long work with a bar on stderr, where that is a terminal. */
export async function withProgress<T>(io: Io, what: string, run: (work: Work) => Promise<T>): Promise<T> {
  if (!io.stderr.isTTY) return run({ stop: io.signal, onProgress: () => {} })
  const bar = new cliProgress.SingleBar({
    stream: io.stderr,
    format: `${what} [{bar}] {value}/{total}{left}`,
    clearOnComplete: true,
    // Ctrl-C is ours.
    gracefulExit: false,
    // Or the bar would be drawn by a timer only, never for work that is over sooner.
    synchronousUpdate: true,
  })
  let begun: number | undefined
  const onProgress = (done: number, total: number) => {
    if (begun === undefined) {
      begun = performance.now()
      bar.start(total, done, { left: '' })
      return
    }
    const seconds = (performance.now() - begun) / 1000
    const left = done > 0 ? `, ${duration((seconds / done) * (total - done))} left` : ''
    bar.update(done, { left })
  }
  try {
    return await run({ stop: io.signal, onProgress })
  } finally {
    if (begun !== undefined) bar.stop()
  }
}
