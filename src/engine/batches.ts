import { PartialWrite } from '../errors.ts'
import type { AtomicDbItemKey } from '../interface.ts'
import { keyText } from '../model/keys.ts'
import { leftUndone, type Row, type RowWrite, type Storage, StorageFault } from '../storage.ts'
import type { Context } from './context.ts'
import { beforeRepeat, type Doubt, leavesDoubt } from './retry.ts'

/** Requests of many rows: split to the backend's size, a few at a time, what was left undone sent again. */

const requestsAtOnce = 4

export async function readBatches(
  context: Context,
  keys: readonly AtomicDbItemKey[],
  consistent: boolean,
): Promise<(Row | undefined)[]> {
  const size = context.storage.batchSizes?.read ?? keys.length
  const found = new Map<AtomicDbItemKey, Row>()
  const work = new Batches(context, keys, size, (key) => key, false)
  await work.run(async (some) => {
    const rows = await context.storage.read(some, { consistent, ...context.call.request() })
    rows.forEach((row, i) => {
      if (row !== undefined && row !== leftUndone) found.set(some[i]!, row)
    })
    return some.filter((_, i) => rows[i] === leftUndone)
  })
  return keys.map((key) => found.get(key))
}

/** `PartialWrite` where some rows were written, or may have been. */
export async function writeBatches(
  context: Context,
  writes: readonly RowWrite[],
  send: Storage['write'] = (some, options) => context.storage.write(some, options),
): Promise<void> {
  const size = context.storage.batchSizes?.write ?? writes.length
  const work = new Batches(context, writes, size, keyOfWrite, true)
  try {
    await work.run((some) => send(some, context.call.request()))
  } catch (error) {
    const keys = work.undone.map(keyOfWrite)
    if (context.call.aborted || (keys.length === writes.length && !work.doubt.unanswered)) throw error
    throw new PartialWrite(
      `${keys.length} of ${writes.length} rows were not (certainly) written: write those in 'keys' again`,
      { keys, cause: error },
    )
  }
}

export const keyOfWrite = (write: RowWrite): AtomicDbItemKey => {
  const { pk, sk } = 'put' in write ? write.put : write.delete
  return { pk, sk }
}

class Batches<T> {
  readonly doubt: Doubt = { unanswered: false }
  readonly #context: Context
  readonly #pending: T[]
  readonly #inFlight = new Set<readonly T[]>()
  readonly #size: number
  readonly #keyOf: (one: T) => AtomicDbItemKey
  readonly #isWrite: boolean
  #stopped = false

  constructor(
    context: Context,
    all: readonly T[],
    size: number,
    keyOf: (one: T) => AtomicDbItemKey,
    isWrite: boolean,
  ) {
    this.#context = context
    this.#pending = all.slice()
    this.#size = size
    this.#keyOf = keyOf
    this.#isWrite = isWrite
  }

  /** What was not, or not certainly, done. */
  get undone(): T[] {
    return [...this.#pending, ...[...this.#inFlight].flat()]
  }

  /** `send` returns what was left undone. */
  async run(send: (some: readonly T[]) => Promise<readonly T[]>): Promise<void> {
    const count = Math.min(requestsAtOnce, Math.ceil(this.#pending.length / this.#size))
    const workers = Array.from({ length: count }, () =>
      this.#work(send).catch((error: unknown) => {
        this.#stopped = true
        throw error
      }),
    )
    const failed = (await Promise.allSettled(workers)).find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
  }

  async #work(send: (some: readonly T[]) => Promise<readonly T[]>): Promise<void> {
    const { call } = this.#context
    while (this.#pending.length > 0 && !this.#stopped) {
      const some = this.#pending.splice(0, this.#size)
      this.#inFlight.add(some)
      const { undone, fault } = await this.#sent(some, send)
      if (undone.length < some.length) call.repeats = 0
      if (undone.length > 0)
        await beforeRepeat(this.#context, some.map(this.#keyOf), fault ?? leftAgain(), this.doubt)
      this.#inFlight.delete(some)
      this.#pending.push(...undone)
    }
  }

  /** One request; refused or without a reply, all of it is undone. */
  async #sent(
    some: readonly T[],
    send: (some: readonly T[]) => Promise<readonly T[]>,
  ): Promise<{ undone: readonly T[]; fault?: StorageFault }> {
    const { call } = this.#context
    try {
      call.check()
      return { undone: await call.bound(send(some)) }
    } catch (error) {
      if (!(error instanceof StorageFault) || error.kind === 'invalid') throw error
      if (leavesDoubt(error) && this.#isWrite) this.doubt.unanswered = true
      return { undone: some, fault: error }
    }
  }
}

const leftAgain = () => new StorageFault('throttled', 'left undone again and again')

/** Of several writes to one key the last one. */
export const lastOfEach = (writes: readonly RowWrite[]): readonly RowWrite[] =>
  writes.length === 1 ? writes : [...new Map(writes.map((one) => [keyText(keyOfWrite(one)), one])).values()]
