import type { AtomicDbQueueCancelOptions, AtomicDbQueueUniqueKey } from '../../contract/queue.ts'
import { InvalidInput } from '../../errors.ts'
import type { AtomicDbItemKey, AtomicDbQueueItem, AtomicDbQueueItemKey } from '../../interface.ts'
import { shortText } from '../../model/checks.ts'
import { isLive } from '../../model/expiry.ts'
import { isScheduledName, onceKey, queueOfPlace } from '../../model/key-names.ts'
import { bareKey, checkKey, checkPk, sameKey } from '../../model/keys.ts'
import { isMessage, isWaiting, isWaitingGuard } from '../../model/message-row.ts'
import { optionsCheck } from '../../model/options-check.ts'
import { fromItem } from '../../model/rows.ts'
import type { Row } from '../../storage.ts'
import { type Context, nowSeconds } from '../context.ts'
import { transactCertainly } from '../lost-replies.ts'
import { readRows } from '../requests.ts'
import { departed } from './in-flight.ts'
import { dropPayloads } from './payload.ts'
import { placesOf } from './unique-marker.ts'

const checkUniqueKey = /* @__PURE__ */ optionsCheck<AtomicDbQueueUniqueKey>(
  () => [{ pk: true, uniqueId: true }, { sk: 'name the message by its key, or by its uniqueId' }],
  'key',
)

/**
 * Deletes a message that waits. In a transaction with a token, so that the answer is certain and nothing arrives late:
 * a second message with a key of the caller's could be there by then.
 */
export async function cancel(
  context: Context,
  given: AtomicDbQueueItemKey | AtomicDbQueueUniqueKey,
  options: AtomicDbQueueCancelOptions = {},
): Promise<boolean> {
  const along = options.set === undefined ? undefined : fromItem(options.set, 'set')
  if (typeof given !== 'object' || given === null)
    throw new InvalidInput('key', 'must be an object with pk and sk, or with pk and uniqueId')
  if ('sk' in given || !('uniqueId' in given)) {
    checkKey(given as AtomicDbQueueItemKey)
    return cancelIn(context, keysOf(given as AtomicDbQueueItemKey), along)
  }
  checkUniqueKey(given)
  checkPk(given.pk)
  const queue = queueOfPlace(given.pk)
  const [seen] = await readRows(context, [onceKey(queue, shortText(given.uniqueId, 'uniqueId', 512))])
  return cancelIn(context, placesOf({ queue, seen }), along, given.uniqueId)
}

/** What is due later moves into its queue, with its key, where pulls are strict. */
function keysOf(given: AtomicDbQueueItemKey): AtomicDbItemKey[] {
  const key = bareKey(given)
  const queue = queueOfPlace(key.pk)
  if (!isScheduledName(key.pk)) return [key]
  // A message as it was pushed, or peeked at, names its shard.
  const { queue: shard } = given as AtomicDbQueueItem
  return [key, { pk: typeof shard === 'string' ? shard : queue, sk: key.sk }]
}

/** In one of the places where it can be, in the order in which it can move. */
async function cancelIn(
  context: Context,
  places: readonly AtomicDbItemKey[],
  along: Row | undefined,
  uniqueId?: string,
): Promise<boolean> {
  for (const key of places) {
    const outcome = await cancelAt(context, key, along, uniqueId)
    if (outcome !== 'absent') return outcome === 'cancelled'
  }
  return false
}

async function cancelAt(
  context: Context,
  key: AtomicDbItemKey,
  along: Row | undefined,
  uniqueId: string | undefined,
): Promise<'cancelled' | 'held' | 'absent'> {
  if (along && sameKey(along, key))
    throw new InvalidInput('set', 'must have another key than the message', { keys: [key] })
  for (;;) {
    const [row] = await readRows(context, [key])
    if (!isMessage(row) || !isLive(row, nowSeconds(context))) return 'absent'
    if (uniqueId !== undefined && row.u !== uniqueId) return 'absent'
    const now = context.runtime.now()
    if (!isWaiting(row, now)) return 'held'
    const failed = await transactCertainly(
      context,
      [
        { op: 'delete', key, guard: isWaitingGuard(row, now) },
        ...(along ? [{ op: 'put' as const, row: along }] : []),
      ],
      [key],
    )
    if (failed.length > 0) continue
    departed(context, key)
    await dropPayloads(context, [row.p])
    return 'cancelled'
  }
}
