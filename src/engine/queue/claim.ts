import { hashOf } from '../../hash.ts'
import type { AtomicDbQueuePullManyOptions } from '../../interface.ts'
import type { Applied, Row, RowChange } from '../../storage.ts'
import { both } from '../conditions.ts'
import type { Context } from '../context.ts'
import { applyOrLook } from '../lost-replies.ts'
import { bury } from './dead.ts'
import { giveBack } from './hold.ts'
import { ready } from './messages.ts'
import { remember, type View } from './view.ts'

const maxWindow = 64
export const maxPage = 1000

/** One pull: what is asked, and what it has got so far. */
export interface Pull {
  context: Context
  view: View
  options: AtomicDbQueuePullManyOptions
  seconds: number
  deadLetter: string
  rows: Row[]
  /** What this pull moved to the dead letters. */
  dead: Row[]
}

export const missing = (mine: Pull): number => mine.options.limit - mine.rows.length

/** The average length of a chunk: about what is asked for. */
const chunkOf = (limit: number): number => 2 ** Math.floor(Math.log2(Math.min(64, limit)))

/** So many rows are worth looking at to claim what is missing. */
export function worthReading(mine: Pull): number {
  const { view, options } = mine
  if (view.window <= 1) return Math.max(4, missing(mine) + view.claiming.size)
  // Where others are at work, much of what is read is theirs.
  const spread = Math.max(missing(mine), Math.ceil(view.window) * chunkOf(options.limit))
  return Math.ceil(spread / view.share) + view.claiming.size
}

/**
 * Claims what is missing, among the first candidates. The window says among how many: it grows when claims fail,
 * because others claim the same messages, and shrinks when they do not. Alone it is 1, which is exact order.
 *
 * Who wants many takes them chunk by chunk. Where a chunk begins follows from the keys alone, so all consumers see
 * the same chunks, and who gets the first message of one gets the others nearly undisturbed: a conflict costs one
 * claim, not as many as were wanted. (Content-defined chunking, as of rsync and LBFS.)
 */
export async function take(
  mine: Pull,
  candidates: Row[],
  busy: ReadonlySet<string>,
  isLast: boolean,
): Promise<void> {
  const { view, context } = mine
  const many = mine.options.limit > 1
  while (candidates.length > 0 && missing(mine) > 0) {
    if (many && (view.window > 1 || !view.calm)) {
      if (!(await takeChunk(mine, candidates, busy, isLast))) return
      continue
    }
    const wanted = Math.min(missing(mine), candidates.length)
    const among = Math.min(candidates.length - wanted + 1, many ? 1 : Math.floor(view.window))
    const some = candidates.splice(Math.floor(context.runtime.random() * among), wanted)
    const failed = await claimAll(mine, some)
    adapt(view, failed / some.length)
  }
}

function adapt(view: View, share: number): void {
  view.window = Math.min(maxWindow, Math.max(1, view.window * (1 + share) - 0.4 * (1 - share)))
  view.calm = share === 0
}

/** False: leave the rest of this page to others. */
async function takeChunk(
  mine: Pull,
  candidates: Row[],
  busy: ReadonlySet<string>,
  isLast: boolean,
): Promise<boolean> {
  const { view, context, options } = mine
  const starts = candidates.flatMap((row, i) => (i === 0 || beginsChunk(row.sk, options.limit) ? [i] : []))
  const free = starts.filter((i) => !busy.has(candidates[i]!.sk))
  // Rather fewer messages than a fight for those that somebody is about to take.
  if (free.length === 0 && mine.rows.length > 0) return false
  const from = free.length > 0 ? free : starts
  const start = from[Math.floor(context.runtime.random() * Math.min(from.length, view.window))]!
  const end = starts[starts.indexOf(start) + 1] ?? candidates.length
  const [head, ...rest] = candidates.splice(start, end - start)
  const failed = await claimAll(mine, [head!])
  adapt(view, failed)
  if (failed === 0) {
    const more = rest.splice(0, missing(mine))
    if (more.length > 0) await claimAll(mine, more)
  }
  // Others are at work here: what lies further behind is a better bet, and a few messages are enough.
  return failed === 0 || (mine.rows.length === 0 && (isLast || starts.length > view.window))
}

/** One key in `chunkOf(limit)`; those of long chunks are among those of shorter ones. */
export const beginsChunk = (sk: string, limit: number): boolean =>
  limit === 1 || (hashOf(sk) & (chunkOf(limit) - 1)) === 0

/** How many claims failed because somebody else was faster. */
export async function claimAll(mine: Pull, rows: readonly Row[]): Promise<number> {
  const { view, options } = mine
  for (const { sk } of rows) view.claiming.add(sk)
  const settledClaims = await Promise.allSettled(
    rows.map(async (row) => {
      try {
        if ((row.n as number) >= (options.maxReceives ?? Number.POSITIVE_INFINITY)) {
          await giveUp(mine, row)
          return 0
        }
        return (await claim(mine, row)) === 'refused' ? 1 : 0
      } finally {
        view.claiming.delete(row.sk)
      }
    }),
  )
  let failed = 0
  for (const one of settledClaims) {
    if (one.status === 'rejected') throw one.reason
    failed += one.value
  }
  return failed
}

/** A message that could be neither claimed nor buried is left alone for so long, ms. */
const stuckMs = 600_000

/** False: somebody else has it, or it has no room as a dead letter either. */
export async function giveUp(mine: Pull, row: Row, why?: { reason: string }): Promise<boolean> {
  const letter = await bury(mine.context, row, mine.deadLetter, why)
  if (letter) mine.dead.push(letter)
  else if (why) remember(mine.view, row.sk, mine.context.runtime.now() + stuckMs)
  return letter !== undefined
}

/**
 * Claims one row for this pull. `refused`: somebody else was faster; `found` is told of the row as it is then.
 * `buried`, `stuck`: it has no room for a receipt, from another writer, without the room that a push leaves.
 */
export async function claim(
  mine: Pull,
  row: Row,
  found: (row: Row | undefined) => void = () => {},
): Promise<'claimed' | 'refused' | 'buried' | 'stuck'> {
  const { context, seconds, options } = mine
  const now = context.runtime.now()
  const receipt = context.id()
  const changes: RowChange[] = [
    { op: 'set', path: ['r'], value: receipt },
    { op: 'set', path: ['due'], value: now + seconds * 1000 },
    { op: 'add', path: ['n'], value: 1 },
    { op: 'setIfAbsent', path: ['first'], value: now },
  ]
  const { maxReceives } = options
  const guard = both(
    ready(now),
    maxReceives === undefined
      ? undefined
      : { op: 'lt', left: { path: ['n'] }, right: { value: maxReceives } },
  )
  const key = { pk: row.pk, sk: row.sk }
  const operation = { op: 'update' as const, key, changes, guard }
  let sent: Promise<Applied> | undefined
  // Not ended with the call: whether it was claimed must be known.
  const apply = () => {
    sent = context.storage.apply(operation, {})
    return sent
  }
  try {
    const result = await applyOrLook(context, key, operation, undefined, apply)
    if (result.refused) return await tooLarge(mine, result.row)
    if (!result.applied && result.row?.r !== receipt) {
      found(result.row)
      return 'refused'
    }
    mine.rows.push(result.row!)
    remember(mine.view, row.sk, result.row!.due as number)
    return 'claimed'
  } catch (error) {
    if (context.call.signal?.aborted) void giveBackLate(context, sent)
    throw error
  }
}

async function tooLarge(mine: Pull, row: Row | undefined): Promise<'buried' | 'stuck'> {
  const why = { reason: 'too large to be given out' }
  return row === undefined || (await giveUp(mine, row, why)) ? 'buried' : 'stuck'
}

/** A claim that is answered after its call has ended. */
async function giveBackLate(context: Context, sent: Promise<Applied> | undefined): Promise<void> {
  try {
    const claimed = await sent
    if (claimed?.applied && claimed.row) await giveBack(context, claimed.row)
  } catch {}
}
