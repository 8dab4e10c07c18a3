import { BackendError, LeaseLost } from '../../errors.ts'
import type { AtomicDbItem, AtomicDbItemKey, AtomicDbItemsInterface, CallOptions } from '../../interface.ts'
import type { Runtime } from '../../runtime.ts'
import { boundOf, during } from '../call-time.ts'
import { certainRemoval, certainUpdate, uniqueId } from '../certain-update.ts'
import { nameOf } from '../coordination-key.ts'
import type { LeaseRow } from '../held-lease.ts'
import { type Moment, momentOf } from '../lease.ts'
import type { Liveness } from '../liveness.ts'
import type { MutexSettings } from './mutex-options.ts'
import type { MutexRow } from './mutex-row.ts'
import type { SerializedMutex } from './serialized-mutex.ts'

const never = Number.POSITIVE_INFINITY
const orNull = (ms: number): number | null => (ms === never ? null : Math.ceil(ms))

/** Frees the mutex if this attempt still has it. */
export function clearMutex(
  db: AtomicDbItemsInterface,
  key: AtomicDbItemKey,
  owner: string,
  options: CallOptions,
): Promise<boolean> {
  return certainRemoval<MutexRow>(
    db,
    key,
    { set: { owner: null, until: null } },
    during(options, { if: { owner } }),
    (item) => item?.data.owner === owner,
  )
}

/** A mutex in its row, as seen by the attempt that holds it. */
export class MutexHold implements LeaseRow<number> {
  readonly #db: AtomicDbItemsInterface
  readonly #settings: MutexSettings
  readonly #taken: SerializedMutex
  // What the row says as far as we know. Each extension builds on the beat before it, so that one that arrives late
  // is refused.
  #beat: string
  #until: number | null

  constructor(db: AtomicDbItemsInterface, taken: SerializedMutex, settings: MutexSettings) {
    this.#db = db
    this.#settings = settings
    this.#taken = taken
    this.#beat = taken.beat
    this.#until = taken.until
  }

  get runtime(): Runtime {
    return this.#db.runtime
  }
  get key(): AtomicDbItemKey {
    return { pk: this.#taken.pk, sk: this.#taken.sk }
  }
  get id(): string {
    return this.#taken.owner
  }
  get fencingToken(): number {
    return this.#taken.token
  }
  get ttlMs(): number {
    return this.#settings.ttlMs
  }
  get heartbeatMs(): number {
    return this.#settings.heartbeatMs
  }
  get timeoutMs(): number {
    return boundOf(this.#db)
  }
  get liveness(): Liveness | undefined {
    return this.#settings.liveness
  }

  serialized(): SerializedMutex {
    return { ...this.#taken, beat: this.#beat, until: this.#until }
  }

  async extend(ttlMs: number, leftMs: number, options: CallOptions): Promise<Moment> {
    for (let turn = 0; turn < 5; turn++) {
      const beat = uniqueId(this.runtime)
      const sent = momentOf(this.runtime)
      const wanted = sent.wall + ttlMs
      // It only grows, also when the wall clock steps back or a shorter time is asked for.
      const until = this.#until === null ? null : orNull(Math.max(wanted, this.#until))
      const result = await certainUpdate<MutexRow>(
        this.#db,
        this.key,
        { set: { until, beat, leaseMs: orNull(Math.max(ttlMs, leftMs)) } },
        during(options, { if: { owner: this.id, beat: this.#beat } }),
        (item) => item?.data.beat === beat,
      )
      const row = result.item?.data
      if (row?.owner !== this.id) throw this.#lost(result.item)
      this.#beat = row.beat
      this.#until = row.until
      if (result.applied) return sent
      // An extension that was given up arrived after all, or another process extends it too.
      if (!this.#settings.observed && (row.until === null || row.until >= wanted)) return sent
    }
    throw new BackendError(`the requests to extend ${nameOf(this.key)} were lost`, { keys: [this.key] })
  }

  release(options: CallOptions): Promise<boolean> {
    return clearMutex(this.#db, this.key, this.id, options)
  }

  /** `cause`: the row as it is now, which shows who has it. */
  #lost(row: AtomicDbItem<MutexRow> | undefined): LeaseLost {
    const owner = row?.data.owner
    const why = owner ? `taken over by ${owner}` : 'released by force'
    return new LeaseLost(`${nameOf(this.key)}: ${why}`, { keys: [this.key], cause: row })
  }
}
