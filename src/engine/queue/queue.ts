import { InvalidInput, RaceCondition, StaleReceipt } from '../../errors.ts'
import type {
  AtomicDbItemKey,
  AtomicDbQueueItem,
  AtomicDbQueueItemInput,
  AtomicDbQueuePullManyOptions,
  AtomicDbQueuePullOptions,
  AtomicDbQueuePullResult,
  AtomicDbQueueStats,
  CallOptions,
} from '../../interface.ts'
import { type Applied, type Row, type RowChange, type RowOperation, StorageFault } from '../../storage.ts'
import { both, free, isLive, live } from '../conditions.ts'
import { type Context, nowSeconds } from '../context.ts'
import { write } from '../items.ts'
import { checkKey, checkPk, keyText, showKey } from '../keys.ts'
import { retried, rowAfterDoubt } from '../retry.ts'
import { asList } from '../rows.ts'
import { acknowledgeOperation, checkSeconds, heldBy, isMessage, newMessage, toMessage } from './messages.ts'

const defaultVisibilitySeconds = 300

export async function push<T>(
  context: Context,
  items: AtomicDbQueueItemInput<T> | readonly AtomicDbQueueItemInput<T>[],
  options: CallOptions = {},
): Promise<AtomicDbQueueItem<T>[]> {
  const list = asList(items)
  const messages = list.map((item, i) => newMessage(context, item, Array.isArray(items) ? `items[${i}]` : ''))
  const seen = new Set<string>()
  messages.forEach(({ row }, i) => {
    if (seen.has(keyText(row))) throw new InvalidInput(`items[${i}].sk`, 'is there twice', { keys: [row] })
    seen.add(keyText(row))
  })
  // A ULID is new: nothing can be there. A key of the caller's might be that of a message in processing.
  const fresh = messages.filter((_, i) => list[i]!.sk === undefined)
  await write(
    context,
    fresh.map(({ row }) => ({ put: row })),
    options,
  )
  for (const { row } of messages.filter((_, i) => list[i]!.sk !== undefined))
    await putNew(context, row, options)
  return messages.map(({ item }) => item as AtomicDbQueueItem<T>)
}

async function putNew(context: Context, row: Row, options: CallOptions): Promise<void> {
  const key = { pk: row.pk, sk: row.sk }
  // One token for all tries, or a lost reply would look like somebody else's message.
  const token = context.id()
  const put: RowOperation = { op: 'put', row, guard: free(nowSeconds(context)) }
  const failed = await retried(context, 'idempotent', [key], options.signal, () =>
    context.storage.transact([put], token, options),
  )
  if (failed.length > 0)
    throw new RaceCondition(`there is a message at ${showKey(key)} already`, [
      { index: 0, key, reason: 'exists' },
    ])
}

export async function pull<T>(
  context: Context,
  options: AtomicDbQueuePullOptions,
): Promise<AtomicDbQueuePullResult<T>> {
  const { items } = await pullMany<T>(context, { ...options, limit: 1 })
  return items[0] ? { item: items[0] } : {}
}

export async function pullMany<T>(
  context: Context,
  options: AtomicDbQueuePullManyOptions,
): Promise<{ items: AtomicDbQueueItem<T>[] }> {
  checkPk(options?.pk)
  const seconds = checkSeconds(options.ttlSeconds ?? defaultVisibilitySeconds, 'ttlSeconds', 1)
  if (!Number.isSafeInteger(options.limit) || options.limit < 1)
    throw new InvalidInput('limit', 'must be a whole number from 1', { given: String(options.limit) })
  const items: AtomicDbQueueItem<T>[] = []
  let after: string | undefined
  do {
    const range = { pk: options.pk, after, limit: Math.max(4, options.limit - items.length) }
    const page = await retried(context, 'read', [], options.signal, () =>
      context.storage.page(range, { consistent: true, signal: options.signal }),
    )
    const now = context.runtime.now()
    const candidates = page.rows.filter(
      (row) => isMessage(row) && isLive(row, Math.floor(now / 1000)) && !((row.due as number) > now),
    )
    for (let at = 0; at < candidates.length && items.length < options.limit; ) {
      const some = candidates.slice(at, at + options.limit - items.length)
      at += some.length
      const claimed = await Promise.all(some.map((row) => claim(context, row, seconds, options)))
      for (const row of claimed) if (row) items.push(toMessage<T>(row, context.runtime.now()))
    }
    after = page.next
  } while (after !== undefined && items.length < options.limit)
  return { items }
}

/** The row as it is when we have got it. */
async function claim(
  context: Context,
  row: Row,
  seconds: number,
  options: CallOptions,
): Promise<Row | undefined> {
  const now = context.runtime.now()
  const receipt = context.id()
  const changes: RowChange[] = [
    { op: 'set', path: ['r'], value: receipt },
    { op: 'set', path: ['due'], value: now + seconds * 1000 },
    { op: 'add', path: ['n'], value: 1 },
    { op: 'setIfAbsent', path: ['first'], value: now },
  ]
  const guard = both({ op: 'exists', path: ['n'] }, live(Math.floor(now / 1000)), {
    op: 'or',
    of: [
      { op: 'absent', path: ['due'] },
      { op: 'lte', left: { path: ['due'] }, right: { value: now } },
    ],
  })
  const key = { pk: row.pk, sk: row.sk }
  const result = await settled(context, key, { op: 'update', key, changes, guard }, options)
  return result.applied || result.row?.r === receipt ? result.row : undefined
}

/** One guarded operation; after a lost reply, the row as it is now with `doubt`. */
async function settled(
  context: Context,
  key: AtomicDbItemKey,
  operation: RowOperation,
  options: CallOptions,
): Promise<Applied & { doubt?: boolean }> {
  try {
    return await retried(context, 'once', [key], options.signal, () =>
      context.storage.apply(operation, options),
    )
  } catch (error) {
    if (!(error instanceof StorageFault) || error.kind !== 'unknown') throw error
    const row = await rowAfterDoubt(context, key, options.signal, error)
    return { applied: false, row, doubt: true }
  }
}

/** Repeats an operation on a message we hold until it is certain: done, or no longer ours. */
async function whileHeld(
  context: Context,
  item: AtomicDbItemKey & { receipt?: string },
  operation: RowOperation,
  options: CallOptions,
): Promise<Row | undefined> {
  const key = { pk: item.pk, sk: item.sk }
  let doubt = false
  for (;;) {
    const result = await settled(context, key, operation, options)
    if (result.applied) return result.row
    doubt ||= result.doubt ?? false
    // By bare key there is nothing to lose: a message that is gone needs no release.
    if (item.receipt === undefined && !result.row) return undefined
    if (result.row?.r === item.receipt && doubt && result.row) continue
    // After a lost reply of ours, a receipt that is gone means that ours took effect.
    if (doubt) return result.row
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
  item: AtomicDbItemKey & { receipt?: string },
  options: CallOptions = {},
): Promise<void> {
  checkKey(item)
  const left = await whileHeld(context, item, acknowledgeOperation(item), options)
  // Still there under another receipt: the request was lost, and meanwhile the message was given out again.
  if (left !== undefined && item.receipt !== undefined) throw noLongerOurs({ pk: item.pk, sk: item.sk })
}

export async function release(
  context: Context,
  item: AtomicDbItemKey & { receipt?: string },
  options: CallOptions & { delaySeconds?: number } = {},
): Promise<void> {
  checkKey(item)
  const delay = options.delaySeconds === undefined ? 0 : checkSeconds(options.delaySeconds, 'delaySeconds', 0)
  const due: RowChange =
    delay > 0
      ? { op: 'set', path: ['due'], value: context.runtime.now() + delay * 1000 }
      : { op: 'remove', path: ['due'] }
  const guard = item.receipt === undefined ? ({ op: 'exists', path: ['n'] } as const) : heldBy(item.receipt)
  await whileHeld(
    context,
    item,
    { op: 'update', key: { pk: item.pk, sk: item.sk }, changes: [{ op: 'remove', path: ['r'] }, due], guard },
    options,
  )
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
  const row = await whileHeld(
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
  return toMessage<T>(row, context.runtime.now())
}

export async function stats(
  context: Context,
  pk: string,
  options: CallOptions = {},
): Promise<AtomicDbQueueStats> {
  checkPk(pk)
  const result: AtomicDbQueueStats = { ready: 0, inFlight: 0, delayed: 0, oldestAgeSeconds: 0 }
  let after: string | undefined
  do {
    const range = { pk, after }
    const page = await retried(context, 'read', [], options.signal, () =>
      context.storage.page(range, { consistent: true, signal: options.signal }),
    )
    const now = context.runtime.now()
    for (const row of page.rows) {
      if (!isMessage(row) || !isLive(row, Math.floor(now / 1000))) continue
      const message = toMessage(row, now)
      if (message.isProcessing) result.inFlight++
      else if ((row.due as number) > now) result.delayed++
      else result.ready++
      result.oldestAgeSeconds = Math.max(
        result.oldestAgeSeconds,
        Math.floor((now - message.enqueuedAt) / 1000),
      )
    }
    after = page.next
  } while (after !== undefined)
  return result
}
