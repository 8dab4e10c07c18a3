import { absent, allOf, anyOf } from '../conditions.ts'
import { InvalidInput, OutcomeUnknown, RaceCondition } from '../errors.ts'
import type { AtomicDbInterface, AtomicDbItemKey, CallOptions } from '../interface.ts'
import { coordinationKey, mustBeOurs, uniqueId } from './common.ts'

interface NonceRow {
  /** The last nonce that was assigned. */
  n: number
  /** The attempt that assigned it. */
  by?: string
  /** Nonces given back unused, to be assigned again. */
  free?: number[]
  /** What that attempt assigned, where it was one of those; null: none was of use. */
  reused?: number | null
}

export interface NonceOptions {
  /** How far ahead of the pending count we may be before we fall back to it. Default 500. */
  maxAhead?: number
}

/**
 * Nonces for a blockchain account, without gaps and without duplicates: `assign(pendingCount)` is the last one plus
 * one, or `pendingCount` where that is ahead of us, or where we are more than `maxAhead` ahead of it (our earlier
 * transactions were dropped). Two guarded updates: A adds 1 when the last nonce is between p-1 and p+maxAhead-1, B
 * sets p otherwise; normally one round trip of 1 WRU.
 */
export class NonceSequence {
  readonly key: AtomicDbItemKey
  readonly #db: AtomicDbInterface
  readonly #maxAhead: number

  constructor(db: AtomicDbInterface, key: AtomicDbItemKey, options: NonceOptions = {}) {
    this.key = coordinationKey(key)
    this.#db = db
    this.#maxAhead = options.maxAhead ?? 500
    if (!Number.isSafeInteger(this.#maxAhead) || this.#maxAhead < 1)
      throw new InvalidInput('maxAhead', 'must be a whole number from 1', { given: String(this.#maxAhead) })
  }

  /** The nonce for the next transaction; `pendingCount` is the account's pending transaction count. */
  async assign(pendingCount: number, options: CallOptions = {}): Promise<number> {
    if (!Number.isSafeInteger(pendingCount) || pendingCount < 0)
      throw new InvalidInput('pendingCount', 'must be a whole number from 0', { given: String(pendingCount) })
    const by = uniqueId(this.#db.runtime)
    const low = pendingCount - 1
    const high = pendingCount + this.#maxAhead - 1
    for (let turn = 0; turn < 50; turn++) {
      try {
        const next = await this.#db.update<NonceRow>(
          this.key,
          { add: { n: 1 }, set: { by }, remove: ['reused'] },
          { ...options, if: { n: { between: [low, high] }, free: { exists: false } } },
        )
        if (next.applied) return next.item!.data.n
        const reused = await this.#reuse(next.item?.data.free, pendingCount, by, options)
        if (reused !== undefined) return reused
        const set = await this.#db.update<NonceRow>(
          this.key,
          { set: { n: pendingCount, by }, remove: ['reused'] },
          {
            ...options,
            if: allOf([['free', { exists: false }]], anyOf(absent, { n: { lt: low } }, { n: { gt: high } })),
          },
        )
        if (set.applied) return pendingCount
        mustBeOurs(set.item, 'n')
      } catch (error) {
        if (!(error instanceof OutcomeUnknown)) throw error
        const item = await this.#db.get<NonceRow>(this.key, { consistent: true, ...options })
        if (item?.data.by === by && item.data.reused !== null) return item.data.reused ?? item.data.n
        // Somebody else was assigned one since: whether ours was cannot be seen, so it may be a gap.
        throw error
      }
    }
    throw new RaceCondition('the nonce kept changing', [{ index: 0, key: this.key, reason: 'conflict' }])
  }

  /** The lowest nonce that was given back and is not used up yet. */
  async #reuse(
    free: readonly number[] | undefined,
    pendingCount: number,
    by: string,
    options: CallOptions,
  ): Promise<number | undefined> {
    if (!free) return undefined
    const usable = free.filter((nonce) => nonce >= pendingCount)
    const nonce = usable.length > 0 ? Math.min(...usable) : undefined
    const rest = usable.filter((other) => other !== nonce)
    const set = { by, reused: nonce ?? null }
    const change = rest.length > 0 ? { set: { ...set, free: rest } } : { remove: ['free'], set }
    const { applied } = await this.#db.update(this.key, change, { ...options, if: { free: { eq: free } } })
    return applied ? nonce : undefined
  }

  /** Gives back a nonce that was never used, so that no gap stays: the next `assign` returns it. */
  async release(nonce: number, options: CallOptions = {}): Promise<void> {
    if (!Number.isSafeInteger(nonce) || nonce < 0)
      throw new InvalidInput('nonce', 'must be a nonce that was assigned', { given: String(nonce) })
    const last = await this.#db.update<NonceRow>(
      this.key,
      { add: { n: -1 } },
      { ...options, if: { n: nonce, free: { exists: false } } },
    )
    if (last.applied) return
    const { applied, item } = await this.#db.update<NonceRow>(
      this.key,
      { append: { free: [nonce] } },
      { ...options, if: { n: { gte: nonce } } },
    )
    if (!applied)
      throw new InvalidInput('nonce', 'was not assigned by this sequence', {
        given: `${nonce}, the last one is ${item?.data.n ?? 'none'}`,
      })
  }

  /** Forgets everything: the next nonce is the pending count. */
  async reset(options?: CallOptions): Promise<void> {
    await this.#db.delete(this.key, options)
  }

  /** The last nonce assigned, and those given back. */
  async state(options: CallOptions = {}): Promise<{ last?: number; free: number[] }> {
    const item = await this.#db.get<NonceRow>(this.key, { consistent: true, ...options })
    return item ? { last: item.data.n, free: item.data.free ?? [] } : { free: [] }
  }
}
