import { InvalidInput, StaleReceipt } from '../../errors.ts'
import type {
  AtomicDbItemKey,
  AtomicDbQueueItem,
  AtomicDbQueueItemKey,
  AtomicDbQueueReleaseOptions,
  CallOptions,
} from '../../interface.ts'
import { type Applied, type RowChange, type RowOperation, StorageFault } from '../../storage.ts'
import type { Context } from '../context.ts'
import { checkKey, showKey } from '../keys.ts'
import { retried, rowAfterDoubt } from '../retry.ts'
import { acknowledgeOperation, checkSeconds, heldBy, toMessage } from './messages.ts'
import { dropPayloads, payloadKeyOf } from './payload.ts'
import { remember, viewOf } from './view.ts'

/** One guarded operation; after a lost reply, the row as it is now with `doubt`. */
export async function settled(
  context: Context,
  key: AtomicDbItemKey,
  operation: RowOperation,
  _options: CallOptions,
): Promise<Applied & { doubt?: boolean }> {
  try {
    return await retried(context, 'once', [key], () =>
      context.storage.apply(operation, { signal: context.call.signal }),
    )
  } catch (error) {
    if (!(error instanceof StorageFault) || error.kind !== 'unknown') throw error
    const row = await rowAfterDoubt(context, key, error)
    return { applied: false, row, doubt: true }
  }
}

/** Repeats an operation on a message we hold until it is certain: done, or no longer ours. */
async function whileHeld(
  context: Context,
  item: AtomicDbQueueItemKey,
  operation: RowOperation,
  options: CallOptions,
): Promise<Pick<Applied, 'row' | 'old'>> {
  const key = { pk: item.pk, sk: item.sk }
  let doubt = false
  for (;;) {
    const result = await settled(context, key, operation, options)
    if (result.applied) return result
    doubt ||= result.doubt ?? false
    // By bare key there is nothing to lose: a message that is gone needs no release.
    if (item.receipt === undefined && !result.row) return {}
    if (result.row?.r === item.receipt && doubt && result.row) continue
    // After a lost reply of ours, a receipt that is gone means that ours took effect.
    if (doubt) return result
    throw noLongerOurs(key)
  }
}

const noLongerOurs = (key: AtomicDbItemKey): StaleReceipt =>
  new StaleReceipt(
    `the message ${showKey(key)} is no longer ours: its visibility timeout passed and it was given out again, or it was acknowledged`,
    { keys: [key] },
  )

export async function acknowledge(
  context: Context,
  item: AtomicDbQueueItemKey,
  options: CallOptions = {},
): Promise<void> {
  checkKey(item)
  const operation = acknowledgeOperation(item)
  // A message as it was pulled says whether it has a payload; by its bare key the row is asked.
  const asked = item.payloadKey === undefined && !('receiveCount' in item)
  const { row: left, old } = await whileHeld(
    context,
    item,
    asked ? { ...operation, old: true } : operation,
    options,
  )
  viewOf(context, item.pk).own.delete(item.sk)
  // Still there under another receipt: the request was lost, and meanwhile the message was given out again.
  if (left !== undefined && item.receipt !== undefined) throw noLongerOurs({ pk: item.pk, sk: item.sk })
  await dropPayloads(context, [item.payloadKey ?? payloadKeyOf(old)])
}

export async function release(
  context: Context,
  item: AtomicDbQueueItemKey,
  options: AtomicDbQueueReleaseOptions = {},
): Promise<void> {
  checkKey(item)
  const delay = checkSeconds(options.delaySeconds ?? 0, 'delaySeconds', 0)
  const at = context.runtime.now() + delay * 1000
  const changes: RowChange[] = [
    { op: 'remove', path: ['r'] },
    delay > 0 ? { op: 'set', path: ['due'], value: at } : { op: 'remove', path: ['due'] },
  ]
  if (options.reason !== undefined)
    changes.push({ op: 'set', path: ['why'], value: String(options.reason).slice(0, 256).toWellFormed() })
  const guard = item.receipt === undefined ? ({ op: 'exists', path: ['n'] } as const) : heldBy(item.receipt)
  await whileHeld(context, item, { op: 'update', key: { pk: item.pk, sk: item.sk }, changes, guard }, options)
  const view = viewOf(context, item.pk)
  view.emptyUntil = 0
  remember(view, item.sk, delay > 0 ? at : 0)
}

export async function extend<T>(
  context: Context,
  item: AtomicDbQueueItem<T>,
  options: CallOptions & { ttlSeconds: number },
): Promise<AtomicDbQueueItem<T>> {
  checkKey(item)
  if (typeof item.receipt !== 'string')
    throw new InvalidInput('receipt', 'is missing: pass the message as it was pulled')
  const seconds = checkSeconds(options?.ttlSeconds, 'ttlSeconds', 1)
  const due = context.runtime.now() + seconds * 1000
  const { row } = await whileHeld(
    context,
    item,
    {
      op: 'update',
      key: { pk: item.pk, sk: item.sk },
      changes: [{ op: 'set', path: ['due'], value: due }],
      guard: heldBy(item.receipt),
    },
    options,
  )
  if (row?.r !== item.receipt)
    throw new StaleReceipt(`the message ${showKey(item)} is no longer ours`, {
      keys: [{ pk: item.pk, sk: item.sk }],
    })
  remember(viewOf(context, item.pk), item.sk, due)
  const extended = toMessage<T>(row, context.runtime.now())
  return row.p === undefined ? extended : { ...extended, data: item.data }
}
