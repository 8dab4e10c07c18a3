import type { AtomicDbQueuePullManyOptions } from '../../interface.ts'
import { allGuards } from '../../model/expiry.ts'
import { hashOf } from '../../model/hash.ts'
import {
  type ClaimedRow,
  isHeldBy,
  isMessage,
  isReadyGuard,
  type MessageRow,
} from '../../model/message-row.ts'
import { priorityOf } from '../../model/priorities.ts'
import type { Applied, Row, RowChange } from '../../storage.ts'
import type { Context } from '../context.ts'
import { applyOrRead } from '../lost-replies.ts'
import type { Control } from './control.ts'
import { bury } from './dead-letters.ts'
import { type InFlight, viewOf as viewOfMessage } from './in-flight.ts'
import { giveBack } from './receipts.ts'

export const maxPage = 1000

/** A pull from one partition. */
export type PullOptions = AtomicDbQueuePullManyOptions & { readonly pk: string }

/** One pull from one queue or shard: what is asked for, and what it has so far. */
export interface Pull {
  readonly context: Context
  readonly inFlight: InFlight
  readonly options: PullOptions
  /** Visibility timeout. */
  readonly seconds: number
  readonly deadLetter: string
  /** What this pull claimed. */
  rows: ClaimedRow[]
  /** What this pull moved to the dead letters. */
  readonly dead: MessageRow[]
  /** What this process knows of the queue's control row. */
  readonly control: Control
  /** Messages that were due later and can be given out now, in order: they are claimed in their place. */
  side: MessageRow[]
  /** Only reads: what could be claimed is put into `side`. */
  readonly isCollecting: boolean
  /** Rows behind this key are not read on. */
  readonly upTo?: string
  /** The part of the partition that is read, where it is one priority of several; else all of it. */
  readonly part?: { readonly after?: string; readonly to?: string }
  /** All that this pull knows of the queue may be a second old. */
  isUncertain: boolean
  /** When the next of what was seen can be given out, epoch ms. */
  nextDue: number
  /** How many messages other processes were given first. */
  missed: number
}

/** How many messages the pull still wants. */
export const stillWanted = (pull: Pull): number =>
  pull.options.limit - (pull.isCollecting ? pull.side : pull.rows).length

/** What is remembered of the messages beside this one. */
const viewOf = ({ context, options, inFlight }: Pull, row: MessageRow): InFlight =>
  row.pk === options.pk && priorityOf(row.sk) === 'normal' ? inFlight : viewOfMessage(context, row)

/** Whether the pull passes over this message, because of its group. */
export const isExcepted = ({ options }: Pull, { g }: MessageRow): boolean =>
  g !== undefined && options.exceptGroups?.includes(g) === true

/** The average length of a chunk: about what is asked for. */
const chunkOf = (limit: number): number => 2 ** Math.floor(Math.log2(Math.min(64, limit)))

/** How many rows to read in order to claim what is still wanted. */
export function worthReading(pull: Pull): number {
  const { inFlight, options } = pull
  if (inFlight.window <= 1) return Math.max(4, stillWanted(pull) + inFlight.claimingCount)
  // Where other processes are at work, much of what is read is theirs.
  const spread = Math.max(stillWanted(pull), Math.ceil(inFlight.window) * chunkOf(options.limit))
  return Math.ceil(spread / inFlight.readyShare) + inFlight.claimingCount
}

/**
 * Claims what is still wanted, among the first candidates. The window says how many candidates a claim chooses from: it
 * grows when claims fail, because other processes claim the same messages, and shrinks when they succeed. A process
 * that is alone has a window of 1, which is exact order.
 *
 * A pull of many messages claims chunk by chunk. Where a chunk begins follows from the keys alone, so all consumers see
 * the same chunks, and who gets the first message of a chunk gets the others nearly undisturbed: a conflict costs one
 * claim, not as many as were asked for. (Content-defined chunking, as in rsync and LBFS.)
 *
 * `busy` are the candidates whose chunk another process is claiming; `isLast`: there is no page after this one.
 */
export async function claimUpTo(
  pull: Pull,
  candidates: readonly MessageRow[],
  busy: ReadonlySet<string>,
  isLast: boolean,
): Promise<void> {
  const { inFlight, context } = pull
  if (pull.isCollecting) {
    const known = new Set(pull.side.map(({ sk }) => sk))
    const others = candidates.filter(({ sk }) => !known.has(sk))
    pull.side.push(...others.slice(0, stillWanted(pull)))
    return
  }
  const many = pull.options.limit > 1
  const left = candidates.filter((row) => !isExcepted(pull, row))
  while (left.length > 0 && stillWanted(pull) > 0) {
    if (many && (inFlight.window > 1 || !inFlight.isCalm)) {
      if (!(await claimChunk(pull, left, busy, isLast))) return
      continue
    }
    const count = Math.min(stillWanted(pull), left.length)
    const among = Math.min(left.length - count + 1, many ? 1 : Math.floor(inFlight.window))
    const some = left.splice(Math.floor(context.runtime.random() * among), count)
    inFlight.claimsFailed((await claimAll(pull, some)) / some.length)
  }
}

/** False: leave the rest of this page to other processes. */
async function claimChunk(
  pull: Pull,
  candidates: MessageRow[],
  busy: ReadonlySet<string>,
  isLast: boolean,
): Promise<boolean> {
  const { inFlight, context, options } = pull
  const starts = candidates.flatMap((row, i) => (i === 0 || beginsChunk(row.sk, options.limit) ? [i] : []))
  const idle = starts.filter((i) => !busy.has(candidates[i]!.sk))
  // Fewer messages are better than a conflict about those that another process is claiming.
  if (idle.length === 0 && pull.rows.length > 0) return false
  const from = idle.length > 0 ? idle : starts
  const start = from[Math.floor(context.runtime.random() * Math.min(from.length, inFlight.window))]!
  const end = starts[starts.indexOf(start) + 1] ?? candidates.length
  const [head, ...rest] = candidates.splice(start, end - start)
  const failed = await claimAll(pull, [head!])
  inFlight.claimsFailed(failed)
  if (failed === 0) {
    const more = rest.splice(0, stillWanted(pull))
    if (more.length > 0) await claimAll(pull, more)
  }
  // Other processes are at work here: what lies further behind is a better bet, and a few messages are enough.
  return failed === 0 || (pull.rows.length === 0 && (isLast || starts.length > inFlight.window))
}

/** One key in `chunkOf(limit)` begins a chunk; the beginnings of long chunks are among those of shorter ones. */
export const beginsChunk = (sk: string, limit: number): boolean =>
  limit === 1 || (hashOf(sk) & (chunkOf(limit) - 1)) === 0

/** Returns how many claims failed because another process was faster. */
async function claimAll(pull: Pull, rows: readonly MessageRow[]): Promise<number> {
  const claims = await Promise.allSettled(
    rows.map((row) => viewOf(pull, row).whileClaiming(row.sk, () => claimOrBury(pull, row))),
  )
  let failed = 0
  for (const one of claims) {
    if (one.status === 'rejected') throw one.reason
    if (one.value === 'refused') failed++
  }
  pull.missed += failed
  return failed
}

/** Claims a row, or moves it to the dead letters where it was received often enough. */
async function claimOrBury(pull: Pull, row: MessageRow): Promise<ClaimOutcome> {
  if (row.n < (pull.options.maxReceives ?? Number.POSITIVE_INFINITY)) return claim(pull, row)
  return (await giveUp(pull, row)) ? 'buried' : 'stuck'
}

/** How long a message is left alone that could be neither claimed nor buried, ms. */
const stuckMs = 600_000

/** Moves a message to the dead letters. False: another process has it, or it has no room as a dead letter either. */
export async function giveUp(pull: Pull, row: MessageRow, why?: { reason: string }): Promise<boolean> {
  const letter = await bury(pull.context, row, pull.deadLetter, why)
  if (letter) pull.dead.push(letter)
  else if (why) viewOf(pull, row).becomesDue(row.sk, pull.context.runtime.now() + stuckMs)
  return letter !== undefined
}

/**
 * `refused`: another process was faster. `buried`, `stuck`: the message was received often enough, or another writer
 * left no room for a receipt in its row; it is a dead letter now, or stays where it is.
 */
type ClaimOutcome = 'claimed' | 'refused' | 'buried' | 'stuck'

/** Claims one row for this pull. `found` is told of the row as it is then, where another process was faster. */
export async function claim(
  pull: Pull,
  row: MessageRow,
  found: (row: Row | undefined) => void = () => {},
): Promise<ClaimOutcome> {
  const { context, seconds, options } = pull
  const now = context.runtime.now()
  const receipt = context.id()
  const changes: RowChange[] = [
    { op: 'set', path: ['r'], value: receipt },
    { op: 'set', path: ['due'], value: now + seconds * 1000 },
    { op: 'add', path: ['n'], value: 1 },
    { op: 'setIfAbsent', path: ['first'], value: now },
  ]
  const { maxReceives } = options
  const guard = allGuards(
    isReadyGuard(now),
    maxReceives === undefined
      ? undefined
      : { op: 'lt', left: { path: ['n'] }, right: { value: maxReceives } },
  )
  const key = { pk: row.pk, sk: row.sk }
  const operation = { op: 'update' as const, key, changes, guard }
  let sent: Promise<Applied> | undefined
  // The caller's signal does not end the request: whether the message is claimed must be known.
  const apply = () => {
    sent = context.storage.apply(operation, {})
    return sent
  }
  try {
    const result = await applyOrRead(context, key, operation, undefined, apply)
    if (result.refused) return await buryTooLarge(pull, result.row)
    if (!isHeldBy(result.row, receipt)) {
      found(result.row)
      return 'refused'
    }
    pull.rows.push(result.row)
    viewOf(pull, row).becomesDue(row.sk, result.row.due)
    return 'claimed'
  } catch (error) {
    if (context.call.signal?.aborted) void giveBackLate(context, sent, receipt)
    throw error
  }
}

/** A row that cannot take a receipt. One that is no message any more is as good as buried. */
async function buryTooLarge(pull: Pull, row: Row | undefined): Promise<'buried' | 'stuck'> {
  const why = { reason: 'too large to be given out' }
  return !isMessage(row) || (await giveUp(pull, row, why)) ? 'buried' : 'stuck'
}

/** Gives back what was claimed after its call had ended. */
async function giveBackLate(
  context: Context,
  sent: Promise<Applied> | undefined,
  receipt: string,
): Promise<void> {
  try {
    const row = (await sent)?.row
    if (isHeldBy(row, receipt)) await giveBack(context, row)
  } catch {}
}
