import type { FieldChanges } from '../changes.ts'
import { absent, anyOf } from '../conditions.ts'
import { InvalidInput, LeaseLost } from '../errors.ts'
import type { AtomicDbInterface, AtomicDbItemKey, CallOptions } from '../interface.ts'
import { path } from '../paths.ts'
import {
  certainUpdate,
  checkMs,
  coordinationKey,
  mustBeOurs,
  uniqueId,
  type WaitOptions,
  waitFor,
} from './common.ts'
import { NotAcquired } from './mutex-row.ts'
import { makePermit, type Permit, withPermit } from './permit.ts'

interface SemaphoreRow {
  /** Holders by id, with the epoch ms at which their permit comes back by itself. */
  holders?: Record<string, number>
}

export interface SemaphoreOptions {
  permits: number
  /** How long a permit is held without being extended, ms: that of a crashed holder comes back then. */
  ttlMs: number
  /** By how much clocks of different machines may differ, ms. Default 1000. */
  clockToleranceMs?: number
}

/**
 * So many holders at once, over all processes. Acquire, extend and release are one request and 1 WRU each; taking the
 * place of a crashed holder is one more. All holders are in one row: meant for up to some hundreds.
 */
export class Semaphore {
  readonly key: AtomicDbItemKey
  readonly #db: AtomicDbInterface
  readonly #permits: number
  readonly #ttlMs: number
  readonly #toleranceMs: number

  constructor(db: AtomicDbInterface, key: AtomicDbItemKey, options: SemaphoreOptions) {
    this.key = coordinationKey(key)
    this.#db = db
    if (!Number.isSafeInteger(options?.permits) || options.permits < 1 || options.permits > 2000)
      throw new InvalidInput('permits', 'must be a whole number from 1 to 2000', {
        given: String(options?.permits),
      })
    this.#permits = options.permits
    this.#ttlMs = checkMs(options.ttlMs, 'ttlMs')
    this.#toleranceMs = options.clockToleranceMs ?? 1000
  }

  /** One try; `undefined` when all permits are taken. */
  async tryAcquire(options: CallOptions = {}): Promise<Permit | undefined> {
    const id = uniqueId(this.#db.runtime)
    const ours = (item: { data: SemaphoreRow } | undefined) => item?.data.holders?.[id] !== undefined
    const until = this.#db.runtime.now() + this.#ttlMs
    let dead: [string, number] | undefined
    // Each turn but the first takes the place of a holder whose time is over.
    for (let turn = 0; turn < 20; turn++) {
      const place = path('holders', id)
      const result = dead
        ? await certainUpdate<SemaphoreRow>(
            this.#db,
            this.key,
            { set: { [place]: until }, remove: [['holders', dead[0]]] },
            { ...options, if: [[['holders', dead[0]], dead[1]]] },
            ours,
          )
        : await certainUpdate<SemaphoreRow>(
            this.#db,
            this.key,
            { set: { [place]: until } },
            {
              ...options,
              if: anyOf(absent, { holders: { size: { lt: this.#permits } } }),
            },
            ours,
          )
      if (result.applied) return this.#permit(id)
      mustBeOurs(result.item, 'holders')
      const holders = Object.entries(result.item?.data.holders ?? {})
      dead = holders.find(([, end]) => end < this.#db.runtime.now() - this.#toleranceMs)
      if (!dead && holders.length >= this.#permits) return undefined
    }
    return undefined
  }

  /** Waits for a permit. `NotAcquired` when the time is up. */
  async acquire(options: WaitOptions = {}): Promise<Permit> {
    const permit = await waitFor(
      this.#db,
      options,
      () => this.tryAcquire({ signal: options.signal }),
      (got) => got !== undefined,
      async () => (await this.available({ signal: options.signal })) > 0,
    )
    if (permit) return permit
    throw new NotAcquired(
      `all ${this.#permits} permits of ${this.key.pk}/${this.key.sk} are taken`,
      this.key,
      { locked: true, fencingToken: 0 },
    )
  }

  /** How many permits are free at this moment. 1 RRU. */
  async available(options: CallOptions = {}): Promise<number> {
    const item = await this.#db.get<SemaphoreRow>(this.key, { consistent: true, ...options })
    const now = this.#db.runtime.now() - this.#toleranceMs
    return this.#permits - Object.values(item?.data.holders ?? {}).filter((end) => end >= now).length
  }

  /** Runs the callback with a permit, extended meanwhile. */
  async run<R>(fn: (run: { signal: AbortSignal }) => Promise<R> | R, options: WaitOptions = {}): Promise<R> {
    return withPermit(this.#db, await this.acquire(options), this.#ttlMs, options.signal, (signal) =>
      fn({ signal }),
    )
  }

  #permit(id: string): Permit {
    const place = ['holders', id]
    const held = [[place, { exists: true }]] as const
    const whileHeld = async (
      changes: FieldChanges,
      done: (until: number | undefined) => boolean,
      options: CallOptions = {},
    ) => {
      const result = await certainUpdate<SemaphoreRow>(
        this.#db,
        this.key,
        changes,
        { ...options, if: held },
        (item) => done(item?.data.holders?.[id]),
      )
      if (!result.applied)
        throw new LeaseLost(`the permit ${id} of ${this.key.pk}/${this.key.sk} has come back by itself`, {
          keys: [this.key],
        })
    }
    return makePermit(
      id,
      (options) => {
        const until = this.#db.runtime.now() + this.#ttlMs
        return whileHeld({ set: [[place, until]] }, (found) => found !== undefined, options)
      },
      (options) => whileHeld({ remove: [place] }, (found) => found === undefined, options),
    )
  }
}
