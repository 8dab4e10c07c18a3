import { inDoubt, Unfinished } from '../failures.ts'

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
