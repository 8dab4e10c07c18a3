import type { AtomicDbItemKey } from '../../interface.ts'
import type { MemoryStorage } from '../../memory/storage.ts'
import { clone } from '../../model/values.ts'
import type { Row, RowWrite } from '../../storage.ts'

/** A copy of the rows that lags behind, partition by partition, each in the order of its writes. */
export class Replica {
  readonly #copy: MemoryStorage
  readonly #lag: () => number
  readonly #pending = new Map<string, { at: number; write: RowWrite }[]>()

  constructor(copy: MemoryStorage, lag: () => number) {
    this.#copy = copy
    this.#lag = lag
  }

  /** Takes over what a row is now. */
  replicate(key: AtomicDbItemKey, row: Row | undefined, now: number): void {
    let queue = this.#pending.get(key.pk)
    if (!queue) {
      queue = []
      this.#pending.set(key.pk, queue)
    }
    const write: RowWrite = row ? { put: clone(row) } : { delete: { pk: key.pk, sk: key.sk } }
    queue.push({ at: Math.max(queue.at(-1)?.at ?? 0, now + this.#lag()), write })
    if (queue.length > 64) this.#catchUp(queue, now)
  }

  /** The partition as this replica has it at this moment. */
  at(pk: string, now: number): MemoryStorage {
    const queue = this.#pending.get(pk)
    if (queue) this.#catchUp(queue, now)
    return this.#copy
  }

  #catchUp(queue: { at: number; write: RowWrite }[], now: number): void {
    let due = 0
    while (due < queue.length && queue[due]!.at <= now) due++
    if (due > 0) void this.#copy.write(queue.splice(0, due).map(({ write }) => write))
  }
}
