import { BackendError, OutcomeUnknown, PartialWrite, RaceCondition, Throttled } from '../errors.ts'
import type { Context } from './context.ts'

/**
 * Work in slices, which tells `did` how much each of them has done. What ends it early is thrown as it is where nothing
 * was done; else as `PartialWrite` with how much was.
 */
export async function inSlices<T>(
  context: Context,
  work: (did: (count: number) => void) => Promise<T>,
): Promise<T> {
  let done = 0
  try {
    return await work((count) => {
      done += count
    })
  } catch (error) {
    if (context.call.aborted || !isTrouble(error)) throw error
    if (done === 0 && !(error instanceof PartialWrite)) throw error
    throw new PartialWrite(
      `ended early, at least ${done} rows done: call it again to go on (${error.message})`,
      {
        keys: error.keys,
        cause: error,
        done,
      },
    )
  }
}

/** Whether the backend failed; a caller's mistake is thrown unchanged. */
const isTrouble = (error: unknown): error is Throttled =>
  error instanceof Throttled ||
  error instanceof BackendError ||
  error instanceof RaceCondition ||
  error instanceof OutcomeUnknown ||
  error instanceof PartialWrite
