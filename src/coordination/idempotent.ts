import { anyOf } from '../conditions.ts'
import { AtomicDbError, InvalidInput, LeaseLost } from '../errors.ts'
import type { AtomicDbInterface, AtomicDbItemKey, CallOptions } from '../interface.ts'
import { certainUpdate, checkMs, coordinationKey, uniqueId, waitFor } from './common.ts'

interface RunRow<R> {
  state: 'running' | 'done'
  by: string
  until: number
  result?: R
}

export interface IdempotentOptions extends CallOptions {
  /** How long the result is remembered, seconds. Default one day. */
  ttl?: number
  /** How long a run may take before it counts as crashed and may be run again, ms. Default 60,000. */
  leaseMs?: number
  /** How long a caller waits for another one's run, ms; then `InProgress`. 0: do not wait. Default: `leaseMs`. */
  waitMs?: number
}

/** Another caller runs it at this moment. */
export class InProgress extends AtomicDbError {
  static override readonly code = 'InProgress'
}

type Claim<R> = { mine: true } | { mine: false; done: true; result: R } | { mine: false; done: false }

/**
 * Runs `fn` once per key and remembers its result: later callers get that, those who come meanwhile wait for it. A run
 * that throws is forgotten (the next caller runs it); one whose process died can be run again after its lease.
 * The effects of `fn` itself happen at least once: where they lie in the table, use `transact` with `idempotencyKey`.
 * First run: 2 requests, 2 WRU (3 for a key that is new); later ones: 1 failed write of 1 WRU.
 */
export async function idempotent<R>(
  db: AtomicDbInterface,
  key: AtomicDbItemKey,
  fn: () => Promise<R> | R,
  options: IdempotentOptions = {},
): Promise<R> {
  const at = coordinationKey(key)
  const { ttl = 86_400, leaseMs = 60_000, signal } = options
  if (!(ttl > 0))
    throw new InvalidInput('ttl', 'must be a positive number of seconds', { given: String(ttl) })
  checkMs(leaseMs, 'leaseMs')
  const by = uniqueId(db.runtime)
  const expiry = () => Math.ceil(db.runtime.now() / 1000 + Math.max(ttl, leaseMs / 1000))
  const claim = async (): Promise<Claim<R>> => {
    const now = db.runtime.now()
    const taken = await certainUpdate<RunRow<R>>(
      db,
      at,
      { set: { '': { state: 'running', by, until: now + leaseMs } }, ttl: expiry() },
      { signal, if: anyOf([['', { exists: false }]], { state: 'running', until: { lt: now } }) },
      (item) => item?.data.by === by,
    )
    if (taken.applied) return { mine: true }
    return taken.item?.data.state === 'done'
      ? { mine: false, done: true, result: taken.item.data.result as R }
      : { mine: false, done: false }
  }
  const answer = await waitFor(
    db,
    { timeoutMs: options.waitMs ?? leaseMs, signal },
    claim,
    (found) => found.mine || found.done,
    async () => {
      const item = await db.get<RunRow<R>>(at, { consistent: true, signal })
      return !item || item.data.state === 'done' || item.data.until < db.runtime.now()
    },
  )
  if (!answer.mine) {
    if (answer.done) return answer.result
    throw new InProgress(`${at.pk}/${at.sk} is being run by another caller: try again later`, { keys: [at] })
  }
  let result: R
  try {
    result = await fn()
  } catch (error) {
    await db.update(at, { delete: true }, { if: { by } }).catch(() => {})
    throw error
  }
  const change = result === undefined ? { set: { state: 'done' } } : { set: { state: 'done', result } }
  const stored = await certainUpdate<RunRow<R>>(
    db,
    at,
    { ...change, ttl: expiry() },
    { if: { by } },
    (item) => item?.data.by === by && item.data.state === 'done',
  )
  if (stored.applied) return result
  if (stored.item?.data.state === 'done') return stored.item.data.result as R
  throw new LeaseLost(
    `${at.pk}/${at.sk} took longer than its lease and was taken over: give it a longer leaseMs`,
    { keys: [at] },
  )
}
