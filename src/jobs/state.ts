import { absent, anyOf } from '../contract/conditions.ts'
import { InvalidInput } from '../errors.ts'
import type {
  AtomicDbInterface,
  AtomicDbItemInput,
  AtomicDbItemKey,
  AtomicDbQueueItem,
  UpdateOptions,
  UpdateResult,
} from '../interface.ts'
import { checkedCopy } from '../model/checked-copy.ts'
import { jobKey, queueOfPlace } from '../model/key-names.ts'
import { maxItemBytes, rowBytes, valueBytes } from '../model/sizes.ts'

/**
 * The row beside a message that says since when it is handled, how far that is, and how it ended. Where the message
 * itself is, it is the truth: a row that says 'done' or 'cancelled' is only ever written in the transaction that deletes it.
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
/** So often a row is taken over for one word of progress; each time something late came in between. */
const maxTries = 5

export const stateKey = ({ pk, sk }: AtomicDbItemKey): AtomicDbItemKey => jobKey(queueOfPlace(pk), sk)

/** That a job was cancelled, to be written with its cancellation. */
export const cancelledItem = (
  { runtime }: AtomicDbInterface,
  key: AtomicDbItemKey,
  keepSeconds: number,
): AtomicDbItemInput<JobState> => ({
  ...stateKey(key),
  data: { state: 'cancelled', at: runtime.now(), attempts: 0 },
  ttl: Math.ceil(runtime.now() / 1000) + keepSeconds,
})

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

  /** Never over a job that has ended, nor over a hand-out that seems to have begun later: this one may be late. */
  async begin(): Promise<void> {
    const isEarlier = { state: 'active', at: { lt: this.#db.runtime.now() } } as const
    // A job whose row cannot be written is handled all the same: it has no progress then.
    await this.#write(anyOf<JobState>(absent, isEarlier))
      .then(({ applied, item }) => applied || this.#takeOver(item?.data))
      .catch(() => {})
  }

  /** False: the message is no longer ours. */
  async progress(value: unknown): Promise<boolean> {
    const progress = checkedCopy(value, 'progress')
    if (valueBytes(progress) > maxProgressBytes)
      throw new InvalidInput('progress', `must be at most ${maxProgressBytes} bytes`, {
        limit: maxProgressBytes,
      })
    for (let tries = 0; tries < maxTries; tries++) {
      const { applied, item } = await this.#db.update<JobState>(
        stateKey(this.#item),
        { set: { progress }, ttl: this.#ttl() },
        { if: { state: 'active', receipt: this.#receipt() } },
      )
      if (applied) return true
      if (!(await this.#takeOver(item?.data))) return false
    }
    return false
  }

  /** Writes the row anew, which loses the progress of an earlier hand-out. */
  #write(condition: UpdateOptions<JobState>['if']): Promise<UpdateResult<JobState>> {
    const { receiveCount: attempts } = this.#item
    const at = this.#db.runtime.now()
    return this.#db.update<JobState>(
      stateKey(this.#item),
      {
        set: { state: 'active', at, attempts, receipt: this.#receipt() },
        remove: ['progress', 'result'],
        ttl: this.#ttl(),
      },
      { if: condition },
    )
  }

  /**
   * The row is somebody else's, or has expired. Clocks differ, and what is late may come in between: only the message says
   * whose it is. Where it is ours, the row is taken over as it was seen, so that this write cannot be late itself.
   */
  async #takeOver(seen: JobState | undefined): Promise<boolean> {
    const { pk, sk } = this.#item
    const [message] = await this.#db.queuePeek({ pk, sk })
    if (message === undefined || message.receipt !== this.#item.receipt) return false
    const asSeen = seen && { state: seen.state, at: seen.at, receipt: seen.receipt ?? { exists: false } }
    await this.#write(asSeen ?? absent)
    return true
  }

  #receipt(): string {
    return this.#item.receipt ?? ''
  }

  #ttl(): number {
    return Math.ceil(this.#db.runtime.now() / 1000) + this.#keepSeconds
  }
}
