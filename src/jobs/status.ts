import { AtomicDbError } from '../errors.ts'
import type { AtomicDbInterface, AtomicDbItemKey, AtomicDbQueueItem, CallOptions } from '../interface.ts'
import { queueOfPlace } from '../model/key-names.ts'
import { type JobState, stateKey } from './state.ts'

/** Where a job is. */
export interface JobStatus<R = unknown> {
  /** `dead`: it lies with the dead letters, from where it can be redriven. */
  state: 'waiting' | 'active' | 'done' | 'dead' | 'cancelled'
  /** How often it was handed out. */
  attempts: number
  /** Since when it is handled, or when it ended, epoch ms. */
  at?: number
  /** What its handler said last. */
  progress?: unknown
  /** What its handler returned. */
  result?: R
  /** Why it came back last, or is dead. */
  reason?: string
}

/** A job that ended without a result, or not in time: `status` says which. */
export class JobFailed extends AtomicDbError {
  static override readonly code: string = 'JobFailed'
  readonly status: JobStatus | undefined

  constructor(message: string, status: JobStatus | undefined, key: AtomicDbItemKey) {
    super(message, { keys: [key] })
    this.status = status
  }
}

const messageAt = async (
  db: AtomicDbInterface,
  { pk, sk }: AtomicDbItemKey,
  options: CallOptions,
): Promise<AtomicDbQueueItem | undefined> => (await db.queuePeek({ ...options, pk, sk }))[0]

/**
 * The message first: while it is there, it is not done. When it is gone, what took it away was written with that.
 */
export async function statusOf<R>(
  db: AtomicDbInterface,
  key: AtomicDbItemKey,
  deadLetter: string,
  options: CallOptions,
): Promise<JobStatus<R> | undefined> {
  // A redrive between the reads is seen by the second look.
  for (let look = 0; look < 2; look++) {
    const message = await messageAt(db, key, options)
    const state = message && !message.isProcessing ? undefined : await stateAt(db, key, options)
    if (message) return ofMessage(message, state)
    if (state && state.state !== 'active') return ended<R>(state)
    const letter = await messageAt(db, { pk: deadLetter, sk: key.sk }, options)
    // Other queues may have the same dead-letter queue.
    if (letter?.deadLetter && queueOfPlace(letter.deadLetter.from) === queueOfPlace(key.pk)) {
      const { receives: attempts, reason, at } = letter.deadLetter
      return { state: 'dead', attempts, reason, at }
    }
  }
  return undefined
}

const stateAt = async (
  db: AtomicDbInterface,
  key: AtomicDbItemKey,
  options: CallOptions,
): Promise<JobState | undefined> =>
  (await db.get<JobState>(stateKey(key), { ...options, consistent: true }))?.data

function ofMessage<R>(message: AtomicDbQueueItem, state: JobState | undefined): JobStatus<R> {
  const status: JobStatus<R> = {
    state: message.isProcessing ? 'active' : 'waiting',
    attempts: message.receiveCount,
  }
  if (message.reason !== undefined) status.reason = message.reason
  if (state?.state !== 'active' || state.receipt !== message.receipt) return status
  status.at = state.at
  if (state.progress !== undefined) status.progress = state.progress
  return status
}

function ended<R>({ state, at, attempts, result }: JobState): JobStatus<R> {
  const status: JobStatus<R> = { state, at, attempts }
  if (result !== undefined) status.result = result as R
  return status
}
