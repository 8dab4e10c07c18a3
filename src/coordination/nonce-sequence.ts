import type { Changes } from '../contract/changes.ts'
import { absent, allOf, anyOf, type Condition } from '../contract/conditions.ts'
import { BackendError, InvalidInput, OutcomeUnknown, RaceCondition } from '../errors.ts'
import type {
  AtomicDbItem,
  AtomicDbItemKey,
  AtomicDbItemsInterface,
  CallOptions,
  UpdateResult,
} from '../interface.ts'
import { checkDb, checkOptions, wholeNumber } from '../model/checks.ts'
import { checkedCall, during } from './call-time.ts'
import { certainUpdate, uniqueId, withdraw } from './certain-update.ts'
import { coordinationKey, mustBeOurs } from './coordination-key.ts'
import {
  assignedBy,
  attemptOf,
  type Ring,
  type RingEntry,
  rememberAttempt,
  rememberedAttempt,
  ringLength,
  wasReleasedBy,
} from './nonce-ring.ts'

/** `n` is the last nonce that was assigned. */
interface NonceRow extends Ring {
  /** Nonces given back unused, to be assigned again. */
  free?: number[]
}

const mostTurns = 50

/**
 * Nonces for a blockchain account, without gaps and without duplicates: `assign(pendingCount)` is the last one plus
 * one, or `pendingCount` where that is ahead of us, or where we are more than `maxAhead` ahead of it (our earlier
 * transactions were dropped). Two guarded updates: A adds 1 when the last nonce is between p-1 and p+maxAhead-1, B
 * sets p otherwise; normally one round trip of 1 WRU. The row remembers the last assignments, so that a lost reply
 * is told from a lost request also when others were assigned nonces since.
 */
export class NonceSequence {
  readonly key: AtomicDbItemKey
  readonly #db: AtomicDbItemsInterface
  readonly #maxAhead: number

  /** `maxAhead`: how far ahead of the pending count an assignment may be; beyond it, it falls back to the count. Default 500. */
  constructor(db: AtomicDbItemsInterface, key: AtomicDbItemKey, options: { maxAhead?: number } = {}) {
    checkDb(db)
    this.key = coordinationKey(key)
    this.#db = db
    checkOptions(options, ['maxAhead'])
    this.#maxAhead = wholeNumber(options.maxAhead ?? 500, 'maxAhead', { min: 1 })
  }

  /** The nonce for the next transaction; `pendingCount` is the account's pending transaction count. */
  async assign(pendingCount: number, options: CallOptions = {}): Promise<number> {
    wholeNumber(pendingCount, 'pendingCount')
    const call = checkedCall(this.#db, options)
    for (let turn = 0; turn < mostTurns; turn++) {
      const by = uniqueId(this.#db.runtime)
      const { item, doubt } = await this.#attempt(pendingCount, by, call)
      const nonce = assignedBy(item?.data, by)
      if (nonce !== undefined) {
        rememberAttempt(this.#db.runtime, this.key, nonce, by)
        await this.#trim(item!.data, call)
        return nonce
      }
      if (doubt) {
        this.#abandon(by)
        throw new OutcomeUnknown(
          'no reply, and the row does not show that a nonce was assigned: it still may be',
          {
            keys: [this.key],
          },
        )
      }
    }
    throw kept(this.key)
  }

  /** One round of A, reuse and B. The row that it leaves tells what was assigned. */
  async #attempt(
    pending: number,
    by: string,
    call: CallOptions,
  ): Promise<UpdateResult<NonceRow> & { doubt?: true }> {
    const low = pending - 1
    const high = pending + this.#maxAhead - 1
    const noneFree = [['free', { exists: false }]] as const
    const next = await this.#update(
      { add: { n: 1 }, append: { ring: [by] } },
      during(call, { if: allOf({ n: { between: [low, high] } }, noneFree) }),
      by,
    )
    if (next.applied || next.doubt) return next
    const free = next.item?.data.free
    if (free) return this.#reuse(free, pending, by, call)
    const set = await this.#update(
      { set: { n: pending, ring: [[by, pending]] } },
      during(call, { if: allOf(noneFree, anyOf(absent, { n: { lt: low } }, { n: { gt: high } })) }),
      by,
    )
    if (!set.applied) mustBeOurs(set.item, 'n')
    return set
  }

  #update(
    changes: Parameters<AtomicDbItemsInterface['update']>[1],
    options: Parameters<AtomicDbItemsInterface['update']>[2] & object,
    by: string,
  ): Promise<UpdateResult<NonceRow> & { doubt?: true }> {
    const ours = (item: AtomicDbItem<NonceRow> | undefined) => assignedBy(item?.data, by) !== undefined
    return certainUpdate<NonceRow>(this.#db, this.key, changes, options, ours)
  }

  /** The lowest nonce that was given back and is not used up yet. */
  #reuse(
    free: readonly number[],
    pending: number,
    by: string,
    call: CallOptions,
  ): Promise<UpdateResult<NonceRow> & { doubt?: true }> {
    const usable = free.filter((nonce) => nonce >= pending)
    const nonce = Math.min(...usable)
    const rest = usable.filter((other) => other !== nonce)
    const taken: RingEntry[] = usable.length > 0 ? [[by, nonce]] : []
    const change = rest.length > 0 ? { set: { free: rest } } : { remove: ['free'] }
    return this.#update(
      { ...change, ...(taken.length > 0 && { append: { ring: taken } }) },
      during(call, { if: { free: { eq: free } } }),
      by,
    )
  }

  /** An attempt that was given up may still arrive: its nonce is given back then, if the ring shows it. */
  #abandon(by: string): void {
    const ours = (item: AtomicDbItem<NonceRow> | undefined) => assignedBy(item?.data, by) !== undefined
    void withdraw<NonceRow>(this.#db, this.key, Number.POSITIVE_INFINITY, ours, async () => {
      const item = await this.#db.get<NonceRow>(this.key, { consistent: true })
      const nonce = assignedBy(item?.data, by)
      if (nonce !== undefined) await this.#release(nonce, by, {}, true)
    })
  }

  /** Keeps the ring short: one of so many assignments takes out the oldest ones (1 WRU). Best effort. */
  async #trim({ ring = [] }: NonceRow, call: CallOptions): Promise<void> {
    if (ring.length < 2 * ringLength || ring.length % ringLength !== 0) return
    const oldest = Array.from({ length: ring.length - ringLength }, (_, i) => ['ring', i])
    const isFirst: [(string | number)[], { eq: unknown }] = [['ring', 0], { eq: ring[0] }]
    await this.#db.update(this.key, { remove: oldest }, during(call, { if: [isFirst] })).catch(() => {})
  }

  /**
   * Gives back a nonce that was never used, so that no gap stays: the next `assign` returns it. Giving it back twice
   * from the process that was assigned it changes nothing. 1 RRU and 1 WRU.
   */
  async release(nonce: number, options: CallOptions = {}): Promise<void> {
    wholeNumber(nonce, 'nonce')
    const call = checkedCall(this.#db, options)
    const known = rememberedAttempt(this.#db.runtime, this.key, nonce)
    if (known?.state === 'released') return
    const mustShow = known?.state === 'doubtful'
    if (known) known.state = 'doubtful'
    await this.#release(nonce, known?.by, call, mustShow)
    if (known) known.state = 'released'
  }

  async #release(
    nonce: number,
    by: string | undefined,
    call: CallOptions,
    // Only while the row shows that this attempt still has it.
    mustShow = false,
  ): Promise<void> {
    const id = uniqueId(this.#db.runtime)
    let doubt: OutcomeUnknown | undefined
    for (let turn = 0; turn < mostTurns; turn++) {
      const row = (await this.#db.get<NonceRow>(this.key, { ...call, consistent: true }))?.data
      if (row && isBack(row, nonce, by, id)) return
      if (row === undefined || row.n < nonce) throw notAssigned(nonce, row?.n)
      if ((mustShow || doubt) && attemptOf(row, nonce) !== by) throw doubt ?? notAssigned(nonce, row.n)
      const isLast = row.n === nonce && !row.free
      const change: Changes = isLast
        ? { add: { n: -1 }, append: { ring: [[id, 'last']] } }
        : { append: { free: [nonce], ring: [[id]] } }
      try {
        if ((await this.#db.update<unknown>(this.key, change, during(call, { if: unchanged(row) }))).applied)
          return
      } catch (error) {
        if (!(error instanceof OutcomeUnknown)) throw error
        doubt = error
      }
    }
    throw new BackendError('the requests to give back a nonce were lost', { keys: [this.key] })
  }

  /**
   * Forgets everything: the next nonce is the pending count, or the one after `last` where that is given. One that
   * arrives late does nothing, or nonces that were assigned since would be assigned again. 1 RRU and 1 WRU.
   * @throws OutcomeUnknown when no reply came and others were assigned nonces meanwhile
   */
  async reset(last?: number, options: CallOptions = {}): Promise<void> {
    if (last !== undefined) wholeNumber(last, 'last')
    const call = checkedCall(this.#db, options)
    const id = uniqueId(this.#db.runtime)
    const changes: Changes =
      last === undefined ? { delete: true } : { set: { '': { n: last, ring: [[id]] } } }
    const isDone = (row: NonceRow | undefined) =>
      last === undefined ? row === undefined : row !== undefined && wasReleasedBy(row, id)
    let doubt: OutcomeUnknown | undefined
    let seen: string | undefined
    for (let turn = 0; turn < mostTurns; turn++) {
      const item = await this.#db.get<NonceRow>(this.key, { ...call, consistent: true })
      mustBeOurs(item, 'n')
      if (isDone(item?.data)) return
      const now = JSON.stringify(item?.data)
      if (doubt && now !== seen) throw doubt
      seen = now
      try {
        const isUnchanged = item ? unchanged(item.data) : absent
        if ((await this.#db.update<unknown>(this.key, changes, during(call, { if: isUnchanged }))).applied)
          return
      } catch (error) {
        if (!(error instanceof OutcomeUnknown)) throw error
        doubt = error
      }
    }
    throw doubt ?? kept(this.key)
  }

  /** The last nonce assigned, and those given back. 1 RRU. */
  async state(options: CallOptions = {}): Promise<{ last?: number; free: number[] }> {
    checkOptions(options, ['signal', 'timeoutMs'])
    const item = await this.#db.get<NonceRow>(this.key, { consistent: true, ...options })
    return item ? { last: item.data.n, free: item.data.free ?? [] } : { free: [] }
  }
}

/** Given back before, by this call or an earlier one; perhaps assigned to somebody else since. */
function isBack(row: NonceRow, nonce: number, by: string | undefined, id: string): boolean {
  if (row.free?.includes(nonce) || wasReleasedBy(row, id)) return true
  if (by === undefined) return false
  const last = attemptOf(row, nonce)
  return (last !== undefined && last !== by) || (row.n < nonce && last === by)
}

/** Nobody was assigned a nonce, or gave one back, since the row was read. */
const unchanged = ({ n, ring }: NonceRow): Condition =>
  allOf({ n }, ring ? { ring: { eq: ring } } : [['ring', { exists: false }]])

const kept = (key: AtomicDbItemKey): RaceCondition =>
  new RaceCondition('the nonce kept changing', [{ index: 0, key, reason: 'condition' }])

const notAssigned = (nonce: number, last: number | undefined): InvalidInput =>
  new InvalidInput('nonce', 'was not assigned by this sequence', {
    given: `${nonce}, the last one is ${last ?? 'none'}`,
  })
