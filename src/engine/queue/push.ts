import { AtomicDbError, InvalidInput, OutcomeUnknown, PartialWrite } from '../../errors.ts'
import type { AtomicDbQueueItem, AtomicDbQueueItemInput, AtomicDbQueuePushOptions } from '../../interface.ts'
import { isVacantGuard } from '../../model/expiry.ts'
import { keyText } from '../../model/keys.ts'
import type { MessageRow } from '../../model/message-row.ts'
import { asList } from '../../model/rows.ts'
import { announcePush } from '../../model/wake.ts'
import { type Row, type RowWrite, StorageFault } from '../../storage.ts'
import { writeBatches } from '../batches.ts'
import { type Context, nowSeconds } from '../context.ts'
import { retried } from '../retry.ts'
import { dueOf } from './apart.ts'
import { type Draft, draftOf } from './draft.ts'
import { arrived } from './in-flight.ts'
import { putPayloads } from './payload.ts'
import { pointedAt } from './pointers.ts'
import { putExactly } from './push-exactly.ts'
import { scheduled } from './scheduled.ts'

/** Everything is checked before anything is sent; what can be refused is written first, all or nothing of it. */
export async function push<T>(
  context: Context,
  items: AtomicDbQueueItemInput<T> | readonly AtomicDbQueueItemInput<T>[],
  options: AtomicDbQueuePushOptions = {},
): Promise<AtomicDbQueueItem<T>[]> {
  const list = asList(items)
  const drafts = list.map((item, index) =>
    draftOf(context, item, index, Array.isArray(items) ? `items[${index}]` : '', options),
  )
  checkDistinct(drafts)
  const payloads = drafts.flatMap(({ payload }) => payload ?? [])
  if (payloads.length > 0)
    await putPayloads(
      context,
      payloads,
      drafts.map(({ row }) => row),
    )
  const exact = drafts.filter(({ mayBeRefused }) => mayBeRefused)
  // A ULID is new: nothing can be there. A key of the caller's might be that of a message in processing.
  const fresh = drafts.filter(({ mayBeRefused }) => !mayBeRefused).map(({ row }) => row)
  const unwritten = new Set(drafts)
  try {
    await putExactly(context, exact, unwritten)
    await putFresh(context, fresh)
  } catch (error) {
    throw unwritten.size === drafts.length ? error : partOf(unwritten, error)
  }
  for (const { row, isDuplicate } of drafts) {
    if (isDuplicate) continue
    arrived(context, row)
    if (dueOf(row) > 0) scheduled(context, row, dueOf(row))
  }
  for (const [pk, family] of new Map(drafts.map(({ row }) => [row.pk, row.f])))
    announcePush(context.runtime, pk, family)
  return drafts.map(({ item }) => item as AtomicDbQueueItem<T>)
}

/** The error when some messages are written already: what it says must be true of all of them. */
function partOf(unwritten: ReadonlySet<Draft>, error: unknown): unknown {
  if (!(error instanceof AtomicDbError) || error instanceof OutcomeUnknown || error instanceof PartialWrite)
    return error
  const keys = [...unwritten].map(({ row }) => ({ pk: row.pk, sk: row.sk }))
  return new PartialWrite(`some messages are written, the others are not (${error.message})`, {
    keys,
    cause: error,
  })
}

function checkDistinct(drafts: readonly Draft[]): void {
  const seen = new Set<string>()
  for (const { row, index } of drafts) {
    if (seen.has(keyText(row)))
      throw new InvalidInput(`items[${index}].sk`, 'is there twice', { keys: [row] })
    seen.add(keyText(row))
  }
}

/** Unconditional at first: nothing else can be at the key of a ULID. */
async function putFresh(context: Context, rows: readonly MessageRow[]): Promise<void> {
  if (rows.length === 0) return
  const [row] = rows
  if (rows.length === 1 && row) return putGuarded(context, row)
  const doubted = new Set<RowWrite>()
  const writes = rows.map((put): RowWrite => ({ put }))
  await writeBatches(context, writes, async (some, options) => {
    const pointed = await pointedAt(context, some.map(messageOf))
    for (const write of some) if (doubted.has(write)) await applyPut(pointed, messageOf(write))
    const others = some.filter((write) => !doubted.has(write))
    if (others.length === 0) return []
    try {
      return await pointed.storage.write(others, options)
    } catch (error) {
      if (error instanceof StorageFault && error.kind === 'unknown')
        for (const write of others) doubted.add(write)
      throw error
    }
  })
}

const messageOf = (write: RowWrite): MessageRow => ('put' in write ? write.put : write.delete) as MessageRow

const putGuarded = async (context: Context, row: MessageRow): Promise<void> => {
  const pointed = await pointedAt(context, [row])
  await retried(context, 'idempotent', [{ pk: row.pk, sk: row.sk }], () => applyPut(pointed, row))
}

/**
 * Guarded, so that a repeat after a lost reply does not overwrite a message that somebody processes by now. Where it
 * is there already, it is ours.
 */
const applyPut = (context: Context, row: Row): Promise<unknown> =>
  context.storage.apply({ op: 'put', row, guard: isVacantGuard(nowSeconds(context)) }, context.call.request())
