import { OutcomeUnknown } from '../errors.ts'
import type { AtomicDbItemKey } from '../interface.ts'
import { type Applied, type FailedGuard, type RowOperation, StorageFault } from '../storage.ts'
import type { Context } from './context.ts'
import { showKey } from './keys.ts'
import { readRows } from './requests.ts'
import { type Doubt, retried, surrender } from './retry.ts'
import { Token } from './token.ts'

/**
 * What a write without a reply means, and what is done about it. Lost are both: a reply to what was applied, and a
 * request that never arrived or arrives later (up to five minutes: then its signature is refused).
 *
 * | write | next step | certain when | else |
 * |---|---|---|---|
 * | read | ask again | always | |
 * | `set`, `delete`, batches | send again | answered: as written now; a late first try may still undo later writes | `OutcomeUnknown`, `PartialWrite` |
 * | `update`, a single request | read the row | our write id is in it: applied | `OutcomeUnknown`; never sent again |
 * | unconditional delete by `update` | read the row | it is gone | `OutcomeUnknown` |
 * | making a lock | read the row, make it with a new version | the row is a lock: whoever made it | again |
 * | claim of a message | read the row | our receipt is in it | not claimed; a late claim hides it for one timeout |
 * | acknowledge, release, extend with a receipt | read the row | receipt gone: done; still there: send again | `OutcomeUnknown` |
 * | transaction | send again under its token | answered as committed | next line |
 * | transaction whose conditions fail, or whose tries are used up | a harmless one under the same token | it succeeds: the lost one is refused for good; refused as `mismatch`: the lost one was applied | `OutcomeUnknown` |
 *
 * Faults: `throttled`, `conflict`, `unreachable`, `skewed`, `mismatch` and `invalid` are certainly not applied;
 * `unknown` and `inProgress` leave a doubt, which no later refusal takes away. A token is not used after 4.5 minutes.
 */

/** The answer to one guarded operation, or the row as it is now with the reason why that is not the answer. */
export interface Answer extends Applied {
  /** The reply was lost. */
  doubt?: StorageFault
  /** Refused for its content. */
  refused?: StorageFault
}

/**
 * One guarded operation; without an answer, or refused for its content, the row as it is now. `doubt`: that of earlier
 * tries of the same write, for the error when this one is refused.
 */
export async function applyOrLook(
  context: Context,
  key: AtomicDbItemKey,
  operation: RowOperation,
  doubt: Doubt = { unanswered: false },
  request = () => context.storage.apply(operation, { signal: context.call.signal }),
): Promise<Answer> {
  try {
    return await retried(context, 'once', [key], request, doubt)
  } catch (error) {
    if (!(error instanceof StorageFault) || context.call.aborted) throw error
    if (error.kind === 'invalid') {
      const [row] = await readRows(context, [key])
      return { applied: false, row, refused: error }
    }
    return { applied: false, row: await rowAfterDoubt(context, key), doubt: error }
  }
}

/** What a lost reply counts for the budget: the look at the row is no progress. */
async function rowAfterDoubt(context: Context, key: AtomicDbItemKey): Promise<Applied['row']> {
  const { call } = context
  const repeats = call.repeats + 1
  try {
    const [row] = await readRows(context, [key])
    return row
  } catch (error) {
    if (call.aborted) throw error
    throw unresolved(key, error)
  } finally {
    call.repeats = Math.max(call.repeats, repeats)
  }
}

/** The row does not tell. */
export const unresolved = (key: AtomicDbItemKey, cause: unknown): OutcomeUnknown =>
  new OutcomeUnknown(
    `the reply to a write of ${showKey(key)} was lost, and the row does not tell whether it happened: read it and decide, or use exactlyOnce`,
    { keys: [key], cause: cause instanceof StorageFault ? cause.cause : cause },
  )

/**
 * A transaction whose outcome is certain: the guards that failed (none: committed). Throws an error that is true
 * about it. `final`: guards that can never hold again settle it without another request.
 */
export async function transactCertainly(
  context: Context,
  operations: readonly RowOperation[],
  keys: readonly AtomicDbItemKey[],
  final: (failed: readonly FailedGuard[]) => boolean = () => false,
): Promise<FailedGuard[]> {
  let token = new Token(context)
  let doubt: Doubt = { unanswered: false }
  for (let turn = 0; ; turn++) {
    try {
      const failed = await retried(context, 'idempotent', keys, () => token.send(operations), doubt)
      if (failed.length === 0 || !doubt.unanswered || final(failed)) return failed
      if ((await lateTry(context, token, keys)) === 'refused') return failed
    } catch (error) {
      if (context.call.aborted) throw error
      if (!doubt.unanswered) {
        if (!token.isExpired) throw error
        // Every try was certainly refused: nothing speaks against a new token.
        token = new Token(context)
        doubt = { unanswered: false }
        continue
      }
      if ((await lateTry(context, token, keys)) === 'refused') throw withoutDoubt(error, doubt, keys)
    }
    // It was applied after all: sent again, it is answered so.
    if (turn > 0) throw unsettled(keys, undefined)
  }
}

/**
 * Whether the lost try of a token can still be applied. A transaction that changes nothing takes the token: then the
 * lost one is refused whenever it arrives. Where the token is taken already, the lost one was applied.
 */
async function lateTry(
  context: Context,
  token: Token,
  keys: readonly AtomicDbItemKey[],
): Promise<'refused' | 'applied'> {
  const path = ['pk']
  const guard = {
    op: 'or',
    of: [
      { op: 'exists', path },
      { op: 'absent', path },
    ],
  } as const
  try {
    await retried(context, 'idempotent', keys, () => token.send([{ op: 'check', key: keys[0]!, guard }]))
    return 'refused'
  } catch (error) {
    if (context.call.aborted) throw error
    if (error instanceof StorageFault && error.kind === 'mismatch' && !token.isExpired) return 'applied'
    throw unsettled(keys, error)
  }
}

const unsettled = (keys: readonly AtomicDbItemKey[], cause: unknown): OutcomeUnknown =>
  new OutcomeUnknown(
    'a transaction was not answered, and whether it was or will be applied cannot be found out: read and decide, or try again with an idempotencyKey',
    { keys, cause },
  )

/** The error that it would have been had no reply been lost. */
const withoutDoubt = (error: unknown, doubt: Doubt, keys: readonly AtomicDbItemKey[]): unknown =>
  doubt.refusal ?? (doubt.fault ? surrender(doubt.fault, { unanswered: false }, keys) : error)
