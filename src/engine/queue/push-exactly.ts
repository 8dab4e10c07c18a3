import { ConditionFailed, RaceCondition, Throttled } from '../../errors.ts'
import type { AtomicDbQueueItem } from '../../interface.ts'
import { isVacantGuard } from '../../model/expiry.ts'
import type { MessageRow } from '../../model/message-row.ts'
import { rowBytes } from '../../model/sizes.ts'
import type { FailedGuard, Row, RowOperation } from '../../storage.ts'
import { type Context, nowSeconds } from '../context.ts'
import { transactCertainly } from '../lost-replies.ts'
import { toConflictError } from '../transact/conflicts.ts'
import { dropPayloads, payloadKeyOf } from './payload.ts'

/** A message on its way into the queue. */
export interface Draft {
  /** Place in the call. */
  index: number
  row: MessageRow
  item: AtomicDbQueueItem
  payload?: Row
  /** Stands for its `deduplicationId`, for so long from the moment at which it is written. */
  marker?: Row
  windowSeconds: number
  /** Written through transactions, because it may be refused or must not be written twice. */
  mayBeRefused: boolean
  /** Not written: an earlier message with its `deduplicationId` is there. */
  isDuplicate?: true
}

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
  const firsts = new Map<string, Draft>()
  const twins: { draft: Draft; first: Draft }[] = []
  const distinct = drafts.filter((draft) => {
    const first = draft.marker && firsts.get(draft.marker.pk)
    if (first) twins.push({ draft, first })
    else if (draft.marker) firsts.set(draft.marker.pk, draft)
    return !first
  })
  try {
    for (const some of transactions(distinct)) {
      await putTogether(context, some)
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
    const { pk, sk, enqueuedAt } = first.item
    Object.assign(draft, { isDuplicate: true })
    Object.assign(draft.item, { pk, sk, enqueuedAt })
    unwritten.delete(draft)
  }
  await dropPayloads(
    context,
    drafts.filter(({ isDuplicate }) => isDuplicate).map(({ row }) => payloadKeyOf(row)),
  )
}

const wasRefused = (error: unknown): boolean =>
  error instanceof ConditionFailed || error instanceof RaceCondition || error instanceof Throttled

/** At most 100 rows and 4 MB each. */
function* transactions(drafts: readonly Draft[]): Generator<Draft[]> {
  let some: Draft[] = []
  let rows = 0
  let bytes = 0
  for (const draft of drafts) {
    const count = draft.marker ? 2 : 1
    const size = rowBytes(draft.row) + (draft.marker ? rowBytes(draft.marker) : 0)
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

/** All of them, without those whose `deduplicationId` is taken; or none. */
async function putTogether(context: Context, drafts: readonly Draft[]): Promise<void> {
  let left = drafts
  while (left.length > 0) {
    const rows = left.flatMap((draft) =>
      [draft.marker, draft.row].flatMap((row) => (row ? [{ draft, row }] : [])),
    )
    const operations = () => {
      const now = nowSeconds(context)
      const guard = isVacantGuard(now)
      return rows.map(({ draft, row }): RowOperation => {
        const put = row === draft.marker ? { ...row, ttl: now + draft.windowSeconds } : row
        return { op: 'put', row: put, guard }
      })
    }
    const failed = await transactCertainly(
      context,
      operations(),
      rows.map(({ row }) => keyOf(row)),
      undefined,
      operations,
    )
    if (failed.length === 0) return
    const taken = failed.filter(({ index, row }) => {
      const { draft, row: sent } = rows[index]!
      return sent === draft.marker && row !== undefined
    })
    if (taken.length < failed.length) throw thereAlready(context, rows, failed)
    const duplicates = new Set(taken.map(({ index, row }) => markDuplicate(rows[index]!.draft, row!)))
    left = left.filter((draft) => !duplicates.has(draft))
  }
}

function markDuplicate(draft: Draft, marker: Row): Draft {
  const { q: pk = draft.item.pk, version: sk, enq: enqueuedAt } = marker
  Object.assign(draft, { isDuplicate: true })
  Object.assign(draft.item, { pk, sk, enqueuedAt })
  return draft
}

const thereAlready = (
  context: Context,
  rows: readonly { draft: Draft; row: Row }[],
  failed: readonly FailedGuard[],
): Error =>
  toConflictError(
    failed.map(({ index, row }) => {
      const { draft, row: sent } = rows[index]!
      return { step: { index: draft.index, key: keyOf(sent), reason: 'exists' as const }, row }
    }),
    nowSeconds(context),
  )
