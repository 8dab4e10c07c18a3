import { absent, anyOf } from '../contract/conditions.ts'
import { InvalidInput } from '../errors.ts'
import type {
  AtomicDbInterface,
  AtomicDbItemInput,
  AtomicDbItemKey,
  AtomicDbQueueItem,
} from '../interface.ts'
import { checkedCopy } from '../model/checked-copy.ts'
import { jobKey, queueOfPlace } from '../model/key-names.ts'
import { maxItemBytes, rowBytes, valueBytes } from '../model/sizes.ts'

/**
 * The row beside a message that says since when it is handled, how far that is, and how it ended. Where the message
 * itself is, it is the truth: a row that says 'done' is only ever written in the transaction that deletes it.
 */
export interface JobState {
  state: 'active' | 'done' | 'cancelled'
  /** When the handler began, or the job ended, epoch ms. */
  at: number
  attempts: number
  /** Of the hand-out that writes it. */
  receipt?: string
  progress?: unknown
  result?: unknown
}

const maxProgressBytes = 1024

export const stateKey = ({ pk, sk }: AtomicDbItemKey): AtomicDbItemKey => jobKey(queueOfPlace(pk), sk)

/** How a job ended, to be written with its acknowledgement. */
export function doneItem(
  { runtime }: AtomicDbInterface,
  item: AtomicDbQueueItem,
  keepSeconds: number,
  result: unknown,
): AtomicDbItemInput<JobState> {
  const data: JobState = { state: 'done', at: runtime.now(), attempts: item.receiveCount }
  if (result !== undefined) data.result = checkedCopy(result, 'result')
  const done = { ...stateKey(item), data, ttl: Math.ceil(runtime.now() / 1000) + keepSeconds }
  if (rowBytes(done) > maxItemBytes)
    throw new InvalidInput('result', 'is too large to be kept: store it elsewhere, and return where it is', {
      limit: maxItemBytes,
      given: `${valueBytes(data.result)} bytes`,
    })
  return done
}

/** One hand-out of a job: writes that its handler has begun, and how far it is. 1 WRU each. */
export class JobRun {
  readonly #db: AtomicDbInterface
  readonly #item: AtomicDbQueueItem
  readonly #keepSeconds: number

  constructor(db: AtomicDbInterface, item: AtomicDbQueueItem, keepSeconds: number) {
    this.#db = db
    this.#item = item
    this.#keepSeconds = keepSeconds
  }

  /** Never over a job that is done, nor over a hand-out that began later: this one may be late. */
  async begin(): Promise<void> {
    const { runtime } = this.#db
    const { receipt, receiveCount: attempts } = this.#item
    const at = runtime.now()
    const changes = {
      set: { state: 'active', at, attempts, receipt: receipt ?? '' } as const,
      ttl: Math.ceil(at / 1000) + this.#keepSeconds,
    }
    const isEarlier = { state: 'active', at: { lte: at } } as const
    // A job whose row cannot be written is handled all the same: it has no progress then.
    await this.#db
      .update<JobState>(stateKey(this.#item), changes, { if: anyOf<JobState>(absent, isEarlier) })
      .catch(() => {})
  }

  /** False: the message is no longer ours, or another hand-out has begun. */
  async progress(value: unknown): Promise<boolean> {
    const progress = checkedCopy(value, 'progress')
    if (valueBytes(progress) > maxProgressBytes)
      throw new InvalidInput('progress', `must be at most ${maxProgressBytes} bytes`, {
        limit: maxProgressBytes,
      })
    const { applied } = await this.#db.update<JobState>(
      stateKey(this.#item),
      { set: { progress } },
      { if: { state: 'active', receipt: this.#item.receipt ?? '' } },
    )
    return applied
  }
}
