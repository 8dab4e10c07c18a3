import type { AtomicDbItemKey, TransactResult } from '../../interface.ts'
import { isLive, isVacantGuard } from '../../model/expiry.ts'
import { bareKey, keyText } from '../../model/keys.ts'
import type { Row, RowOperation } from '../../storage.ts'
import type { Context } from '../context.ts'
import { type RowStep, unmet } from '../transact/row-step.ts'
import { type Draft, idsOf, markDuplicate, markedMessage } from './draft.ts'
import { markIfTaken } from './push-exactly.ts'
import { lookAt, taking } from './unique-marker.ts'

/**
 * A push as steps of a transaction: its message, its payload, and a marker for each of its ids, all in one commit. Where
 * an id is taken the push is left out, and the rest commits: then its rows are only looked at.
 */

/** What the queue's operations of one transaction have together. */
interface Work {
  readonly drafts: Draft[]
  /** The messages that it acknowledges: they do not keep their `uniqueId` from a message that it pushes. */
  readonly acknowledged: Set<string>
}

const works = new WeakMap<TransactResult, Work>()

export function workOf(result: TransactResult): Work {
  let work = works.get(result)
  if (!work) {
    work = { drafts: [], acknowledged: new Set() }
    works.set(result, work)
  }
  return work
}

/** The steps of a push. `isNewKey`: nobody else can have made its key. */
export function pushSteps(context: Context, work: Work, draft: Draft, isNewKey: boolean): RowStep[] {
  const ids = idsOf(draft)
  const first = work.drafts.find((one) => idsOf(one).some((id) => ids.includes(id)))
  if (first) {
    first.twins = [...(first.twins ?? []), draft]
    markDuplicate(draft, first.item)
    return []
  }
  work.drafts.push(draft)
  const { row, payload, marker, unique } = draft
  const put =
    (row: Row, isGuarded = true) =>
    (now: number): RowOperation => ({ op: 'put', row, ...(isGuarded && { guard: isVacantGuard(now) }) })
  const message: RowStep = { ...stepOf(draft, row, put(row)), row }
  return [
    isNewKey ? { ...message, isProof: (_, sent) => sent.op === 'put' } : message,
    ...(payload ? [stepOf(draft, payload, put(payload, false))] : []),
    ...(marker ? [deduplicationStep(draft, marker)] : []),
    ...(unique ? [uniqueStep(context, work, draft)] : []),
  ]
}

/** A row that is written unless the push is left out. */
const stepOf = (draft: Draft, key: AtomicDbItemKey, put: RowStep['first']): RowStep => ({
  index: draft.index,
  key: bareKey(key),
  reason: 'exists',
  first: (now) => (draft.isDuplicate ? onlyLooked(key) : put(now)),
  next: unmet,
})

const path = ['pk']
const onlyLooked = (key: AtomicDbItemKey): RowOperation => ({
  op: 'check',
  key: bareKey(key),
  guard: {
    op: 'or',
    of: [
      { op: 'exists', path },
      { op: 'absent', path },
    ],
  },
})

function deduplicationStep(draft: Draft, marker: Row): RowStep {
  const put = (now: number): RowOperation => ({
    op: 'put',
    row: { ...marker, ttl: now + draft.windowSeconds },
    guard: isVacantGuard(now),
  })
  const step = stepOf(draft, marker, put)
  return {
    ...step,
    next(row, now) {
      if (row && isLive(row, now) && !draft.isDuplicate) markDuplicate(draft, markedMessage(draft, row))
      return step.first(now)
    },
  }
}

function uniqueStep(context: Context, work: Work, draft: Draft): RowStep {
  const unique = draft.unique!
  const step = stepOf(draft, unique.key, (now) => taking(unique, now))
  return {
    ...step,
    look: async (row) => {
      await lookAt(context, [unique], [row])
      await leaveOut(context, work, draft)
    },
    next: (_, now) => step.first(now),
  }
}

/** Who has the ids, before the first try. */
export async function lookAtUnique(context: Context, work: Work): Promise<void> {
  const drafts = work.drafts.filter(({ unique }) => unique)
  await lookAt(
    context,
    drafts.map(({ unique }) => unique!),
  )
  for (const draft of drafts) await leaveOut(context, work, draft)
}

async function leaveOut(context: Context, { acknowledged }: Work, draft: Draft): Promise<void> {
  const { unique } = draft
  if (unique?.holder && acknowledged.has(keyText(unique.holder))) unique.holder = undefined
  await markIfTaken(context, draft)
}
