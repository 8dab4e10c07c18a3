import { ConditionFailed, RaceCondition, Throttled } from '../../errors.ts'
import type { AtomicDbItemKey } from '../../interface.ts'
import { isVacantGuard } from '../../model/expiry.ts'
import { rowBytes } from '../../model/sizes.ts'
import type { FailedGuard, Row, RowOperation } from '../../storage.ts'
import { type Context, nowSeconds } from '../context.ts'
import { applyOrRead, transactCertainly } from '../lost-replies.ts'
import { toConflictError } from '../transact/conflicts.ts'
import { type Draft, markDuplicate, markedMessage, withoutTwins } from './draft.ts'
import { dropPayloads, payloadKeyOf } from './payload.ts'
import { pointedAt } from './pointers.ts'
import { asDuplicate, lookAt, prolonging, taking } from './unique-marker.ts'

const keyOf = ({ pk, sk }: Row): { pk: string; sk: string } => ({ pk, sk })

/**
 * Messages through transactions of up to 100 rows, each with one token for all tries; takes those that are done out of
 * `unwritten`. `ConditionFailed`: a key is taken, and nothing of its transaction was written.
 */
export async function putExactly(
  context: Context,
  drafts: readonly Draft[],
  unwritten: Set<Draft>,
): Promise<void> {
  const { distinct, twins } = withoutTwins(drafts)
  try {
    await leaveOutUnique(context, distinct)
    for (const draft of distinct) if (draft.isDuplicate) unwritten.delete(draft)
    for (const some of transactions(distinct.filter(({ isDuplicate }) => !isDuplicate))) {
      const pointed = await pointedAt(
        context,
        some.map(({ row }) => row),
      )
      await putTogether(pointed, some)
      for (const draft of some) unwritten.delete(draft)
    }
  } catch (error) {
    // Payloads of what is certainly not written; of what may be, they expire by themselves.
    if (wasRefused(error))
      await dropPayloads(
        context,
        [...unwritten].map(({ row }) => payloadKeyOf(row)),
      )
    throw error
  }
  for (const { draft, first } of twins) {
    markDuplicate(draft, first.item)
    unwritten.delete(draft)
  }
  await dropPayloads(
    context,
    drafts.filter(({ isDuplicate }) => isDuplicate).map(({ row }) => payloadKeyOf(row)),
  )
}

const wasRefused = (error: unknown): boolean =>
  error instanceof ConditionFailed || error instanceof RaceCondition || error instanceof Throttled

/** Marks those whose `uniqueId` a message in the queue has. */
async function leaveOutUnique(context: Context, drafts: readonly Draft[]): Promise<void> {
  const unique = drafts.filter((draft) => draft.unique)
  await lookAt(
    context,
    unique.map((draft) => draft.unique!),
  )
  for (const draft of unique) await markIfTaken(context, draft)
}

export async function markIfTaken(context: Context, draft: Draft): Promise<void> {
  if (!draft.unique?.holder) return
  markDuplicate(draft, asDuplicate(draft.unique, context.runtime.now()))
  const operation = prolonging(draft.unique, nowSeconds(context))
  // The push is answered by what is there: the marker is prolonged by another push where this fails.
  if (operation) await applyOrRead(context, draft.unique.key, operation).catch(() => {})
}

/** At most 100 rows and 4 MB each. */
function* transactions(drafts: readonly Draft[]): Generator<Draft[]> {
  let some: Draft[] = []
  let rows = 0
  let bytes = 0
  for (const draft of drafts) {
    const count = 1 + (draft.marker ? 1 : 0) + (draft.unique ? 1 : 0)
    const size = rowBytes(draft.row) + (draft.marker ? rowBytes(draft.marker) : 0) + (draft.unique ? 1024 : 0)
    if (rows + count > 100 || bytes + size > 4_000_000) {
      yield some
      some = []
      rows = bytes = 0
    }
    some.push(draft)
    rows += count
    bytes += size
  }
  if (some.length > 0) yield some
}

/** How often a push looks again who has a `uniqueId` that others take and leave meanwhile. */
const maxTurns = 10

/** One row of a push: the message, or what stands for one of its ids. */
interface Write {
  draft: Draft
  key: AtomicDbItemKey
  isFor: 'message' | 'deduplicationId' | 'uniqueId'
  operation: (now: number) => RowOperation
}

function writesOf(draft: Draft): Write[] {
  const { row, marker, unique, windowSeconds } = draft
  const put =
    (row: Row) =>
    (now: number): RowOperation => ({ op: 'put', row, guard: isVacantGuard(now) })
  const writes: Write[] = [{ draft, key: keyOf(row), isFor: 'message', operation: put(row) }]
  if (marker) {
    const operation = (now: number) => put({ ...marker, ttl: now + windowSeconds })(now)
    writes.unshift({ draft, key: keyOf(marker), isFor: 'deduplicationId', operation })
  }
  if (unique)
    writes.unshift({ draft, key: unique.key, isFor: 'uniqueId', operation: (now) => taking(unique, now) })
  return writes
}

/** All of them, without those whose `deduplicationId` or `uniqueId` is taken; or none. */
async function putTogether(context: Context, drafts: readonly Draft[]): Promise<void> {
  let left = drafts
  for (let turn = 0; left.length > 0; turn++) {
    const writes = left.flatMap(writesOf)
    const operations = () => writes.map(({ operation }) => operation(nowSeconds(context)))
    const keys = writes.map(({ key }) => key)
    const failed = await transactCertainly(context, operations(), keys, undefined, operations)
    if (failed.length === 0) return
    const refused = failed.filter(({ index, row }) => writes[index]!.isFor === 'message' || row === undefined)
    if (refused.length > 0) throw thereAlready(context, writes, failed)
    if (turn >= maxTurns) throw tooBusy(writes, failed)
    for (const { index, row } of failed) await settle(context, writes[index]!, row!)
    left = left.filter(({ isDuplicate }) => !isDuplicate)
  }
}

/** One of the ids of a message is taken, or may be. */
async function settle(context: Context, { draft, isFor }: Write, row: Row): Promise<void> {
  if (isFor === 'uniqueId') {
    await lookAt(context, [draft.unique!], [row])
    return markIfTaken(context, draft)
  }
  markDuplicate(draft, markedMessage(draft, row))
}

const tooBusy = (writes: readonly Write[], failed: readonly FailedGuard[]): RaceCondition =>
  new RaceCondition(
    'other processes kept taking a uniqueId: push again',
    failed.map(({ index }) => ({
      index: writes[index]!.draft.index,
      key: writes[index]!.key,
      reason: 'conflict',
    })),
    { attempts: maxTurns },
  )

const thereAlready = (context: Context, writes: readonly Write[], failed: readonly FailedGuard[]): Error =>
  toConflictError(
    failed.map(({ index, row }) => {
      const { draft, key } = writes[index]!
      return { step: { index: draft.index, key, reason: 'exists' as const }, row }
    }),
    nowSeconds(context),
  )
