import { AtomicDbError } from '../errors.ts'

/** What a handler returns that has acknowledged its message itself, as `exactlyOnce` does. */
export const acknowledged = Symbol.for('lockrow.acknowledged')

/** The worker stops, or the time of the invocation is up, and the handler is not waited for any longer. */
export class WorkerStopped extends AtomicDbError {
  static override readonly code: string = 'WorkerStopped'
}

/** The stages in which a consumer ends, each with a signal. */
export interface Ending {
  /** No handler begins any more. */
  closing: AbortSignal
  /** Handlers give up; their messages are released. */
  givingUp: AbortSignal
  /** Nothing is waited for any more: what is not acknowledged or released comes back by its visibility timeout. */
  leaving: AbortSignal
}
