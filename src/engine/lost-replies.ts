import { OutcomeUnknown } from '../errors.ts'
import type { AtomicDbItemKey } from '../interface.ts'
import { showKey } from '../model/keys.ts'
import {
  type Applied,
  type FailedGuard,
  type RowOperation,
  type SingleOperation,
  StorageFault,
} from '../storage.ts'
import type { Context } from './context.ts'
import { readRows } from './requests.ts'
import { type Doubt, retried, surrender } from './retry.ts'
import { Token } from './transact/token.ts'

/**
 * The rule: a lost reply is resolved. A write without a reply may have been applied, or may never arrive, or may arrive
 * later (within five minutes: then its signature is refused).
 *
 * Which fault leaves a doubt (`leavesDoubt` in retry.ts):
 *
 * | fault | meaning |
 * |---|---|
 * | `throttled`, `conflict`, `unreachable`, `skewed`, `mismatch`, `invalid` | certainly not applied |
 * | `unknown`, `inProgress` | a doubt, which no later refusal of the same write takes away |
 *
 * What is asked next, and what is answered:
 *
 * | write | asked | answered when | else | where |
 * |---|---|---|---|---|
 * | read | the same again | always | | retry.ts |
 * | `set`, `delete`, batches | the same again | there is a reply: written as of now; a late first try may still undo later writes | `OutcomeUnknown`, `PartialWrite` | retry.ts, batches.ts |
 * | the same with the old value asked for | the same again | written as of now; the old value is not known | `OutcomeUnknown` | update/old-values.ts |
 * | push of a message with a ULID | the same, guarded | it is written, or the key is taken: by ours | `OutcomeUnknown`, `PartialWrite` | queue/push.ts |
 * | push that can be refused, move to or from the dead letters, cancellation | a transaction, see below | | | queue/push-exactly.ts, queue/dead-letters.ts, queue/cancel.ts |
 * | `update`, a single request | the row | our write id is in it: applied | `OutcomeUnknown`; never sent again | update/update.ts |
 * | unconditional delete by `update` | the row | it is gone | `OutcomeUnknown` | update/update.ts |
 * | pause and resume of a queue | the row; where our id is not in it, the same again, guarded by the command that is | our id is in it; a late try fails its guard | `OutcomeUnknown` | queue/pause.ts |
 * | raise of a promise | the same again | the promise is as late as asked for, whoever raised it | an error: nothing relies on it | queue/promises.ts |
 * | making a lock | the row; then to make it with a new version | the row is a lock, whoever made it | again | locks.ts |
 * | claim of a message | the row | our receipt is in it | not claimed; a late claim hides it for one timeout | queue/claim.ts |
 * | acknowledge, release, extend with a receipt | the row; where the receipt is still there, the same again | the receipt is gone: done | `OutcomeUnknown` | queue/receipts.ts |
 * | acknowledge, release by bare key | the row; where it is there, the same again | it is gone, or there is a reply: done | `OutcomeUnknown` | queue/receipts.ts |
 * | transaction | the same under its token | it is answered as committed | next line | `transactCertainly` |
 * | transaction whose guards fail, or whose tries are used up | a harmless one under its token | it succeeds: the lost one is refused for good; `mismatch`: the lost one was applied | next line | `lateTry` |
 * | the same, without an answer | the rows | a version, message or marker of this transaction alone is there: applied | `OutcomeUnknown` | transact/commit.ts |
 *
 * `applyOrRead` asks for the row; what the row tells is decided where the row is made. How long a token counts: token.ts.
 */

/** The answer to one guarded operation, or the row as it is now with the reason why that is not the answer. */
export interface Answer extends Applied {
  /** The reply was lost. */
  doubt?: StorageFault
  /** Refused for its content. */
  refused?: StorageFault
}

/**
 * Sends one guarded operation. Where it is not answered, or refused for its content, the answer is the row as it is
 * now. `doubt` is that of earlier tries of the same write, for the error when this one is refused.
 */
export async function applyOrRead(
  context: Context,
  key: AtomicDbItemKey,
  operation: SingleOperation,
  doubt: Doubt = { unanswered: false },
  request = () => context.storage.apply(operation, context.call.request()),
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

/** Reads the row. A lost reply counts in the budget of the call: reading the row is no progress. */
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

/** The error where the row does not tell. */
export const unresolved = (key: AtomicDbItemKey, cause: unknown): OutcomeUnknown =>
  new OutcomeUnknown(
    `the reply to a write of ${showKey(key)} was lost, and the row does not tell whether it happened: read it and decide, or use exactlyOnce`,
    { keys: [key], cause: cause instanceof StorageFault ? cause.cause : cause },
  )

/**
 * Sends a transaction and returns the guards that failed (none: it is committed), with certainty. What it throws is
 * true as well. `final` says which guards can never hold again: they decide without another request. `anew` gives the
 * operations for another token, as of that time; by default the same.
 */
export async function transactCertainly(
  context: Context,
  operations: readonly RowOperation[],
  keys: readonly AtomicDbItemKey[],
  final: (failed: readonly FailedGuard[]) => boolean = () => false,
  anew: () => readonly RowOperation[] = () => operations,
): Promise<FailedGuard[]> {
  let token = new Token(context)
  let sent = operations
  let doubt: Doubt = { unanswered: false }
  for (let isSentAgain = false; ; ) {
    const end = await ended(context, keys, doubt, () => token.send(sent))
    if ('failed' in end && (end.failed.length === 0 || !doubt.unanswered || final(end.failed)))
      return end.failed
    const isExpiry = token.isExpiry(doubt.refusal)
    if (doubt.unanswered && (await lateTry(context, token, keys)) === 'applied') {
      // Sent again, it is answered as committed; but not twice, and not when its token is too old.
      if (isSentAgain || isExpiry) throw unsettled(keys, doubt.refusal)
      isSentAgain = true
      continue
    }
    if ('failed' in end) return end.failed
    if (!isExpiry) throw doubt.unanswered ? withoutDoubt(end.error, doubt, keys) : end.error
    // No try was applied or will be: a new token is safe.
    token = new Token(context)
    sent = anew()
    isSentAgain = false
    doubt = { unanswered: false }
  }
}

/** How the tries under a token ended. Throws when the caller has aborted. */
async function ended(
  context: Context,
  keys: readonly AtomicDbItemKey[],
  doubt: Doubt,
  send: () => Promise<FailedGuard[]>,
): Promise<{ failed: FailedGuard[] } | { error: unknown }> {
  try {
    return { failed: await retried(context, 'idempotent', keys, send, doubt) }
  } catch (error) {
    if (context.call.aborted) throw error
    return { error }
  }
}

/**
 * Whether the lost try of a token was applied or is refused for good. A transaction that changes nothing takes the
 * token: then the lost try is refused whenever it arrives. Where the token is taken already, the lost try was applied.
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
    // Nothing is lost with its reply: it may be sent again.
    await retried(context, 'read', keys, () => token.take({ op: 'check', key: keys[0]!, guard }))
    return 'refused'
  } catch (error) {
    if (context.call.aborted) throw error
    if (error instanceof StorageFault && error.kind === 'mismatch' && !token.isExpiry(error)) return 'applied'
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
