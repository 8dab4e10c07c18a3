import { BackendError, OutcomeUnknown, Throttled } from '../../src/errors.ts'

/** Calls that had to be made again. On a loaded machine connections break; each of them stands in the report. */
export interface Answered {
  /** Nobody knows whether it was applied (`OutcomeUnknown`). */
  unknown: number
  /** Certainly not applied, after all tries of the library (`BackendError`, `Throttled`). */
  unanswered: number
}

export const noneAgain = (): Answered => ({ unknown: 0, unanswered: 0 })

/** Makes the call again until it has an answer, as its user would. The last of `most` failures in a row is thrown. */
export async function untilAnswered<T>(again: Answered, call: () => Promise<T>, most = 20): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call()
    } catch (error) {
      if (error instanceof OutcomeUnknown) again.unknown++
      else if (error instanceof BackendError || error instanceof Throttled) again.unanswered++
      else throw error
      if (attempt >= most) throw error
    }
  }
}
