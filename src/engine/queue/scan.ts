import { isLive } from '../../model/expiry.ts'
import { isMessage, isReady, type MessageRow } from '../../model/message-row.ts'
import { priorityOf } from '../../model/priorities.ts'
import { rowBytes } from '../../model/sizes.ts'
import type { Range, Row } from '../../storage.ts'
import { readRange, readRows } from '../requests.ts'
import { beginsChunk, claimUpTo, isExcepted, maxPage, type Pull, stillWanted, worthReading } from './claim.ts'
import { isPausedAfter, lookAtEnd, withoutControl } from './control-pages.ts'
import { partitionOf } from './in-flight.ts'
import { bySk, isBeyond } from './order.ts'

/** A message first received within this time is a sign that another process is claiming its chunk, ms. */
const busyMs = 100

/** What was passed over because of its group is looked at again after this time, ms. */
const exceptedMs = 1000

/** Claims the first messages that can be given out, without reading again what is known to be in flight. */
export async function pullByScan(pull: Pull): Promise<void> {
  const { inFlight, context } = pull
  const { runtime } = context
  if (inFlight.hasOwnDue(runtime.now())) {
    if (await isPausedAfter(pull)) return
    await claimOwn(pull)
  }
  if (stillWanted(pull) <= 0) return
  inFlight.planRescan(runtime.monotonic(), runtime.now())
  await scan(pull)
  if (pull.rows.length === 0 && (!pull.part || pull.isCollecting)) await scanAgain(pull)
}

/** Nothing beyond the frontier: something may have come back before it. */
export async function scanAgain(pull: Pull): Promise<void> {
  if (pull.inFlight.beginRescan(pull.context.runtime.monotonic())) await scan(pull)
}

/** Claims by key what this process itself gave back, or held until its deadline passed. */
async function claimOwn(pull: Pull): Promise<void> {
  const { context, inFlight, options } = pull
  const { runtime } = context
  const own = inFlight.takeOwnDue(runtime.now(), Math.min(100, options.limit))
  if (own.length === 0) return
  const rows = await readRows(
    context,
    own.map((sk) => ({ pk: options.pk, sk })),
  )
  const ready = rows.filter((row) => isReady(row, runtime.now()))
  const due = ready.filter((row) => !isExcepted(pull, row))
  for (const row of ready) if (isExcepted(pull, row)) inFlight.becomesDue(row.sk, runtime.now() + exceptedMs)
  await claimUpTo(pull, due, new Set(), true)
}

/** How far a scan has come. */
interface Scan {
  /** It reads again what lies before the frontier, within the budget of rescans. */
  isRescan: boolean
  /** The last key that it read. */
  after: string | undefined
  /** Nothing so far could be given out: what was read need not be read again. */
  isLeading: boolean
  /** This process knows nothing of the queue yet. */
  readonly isCold: boolean
  /** How many rows to read at least, because the last page had nothing to give out. */
  atLeast: number
}

/** Reads page after page, from where the rescan or the frontier is, until enough is claimed or nothing is left. */
async function scan(pull: Pull): Promise<void> {
  const { context, inFlight, options } = pull
  const at: Scan = {
    isRescan: inFlight.rescan.place !== undefined,
    after: inFlight.rescan.place ?? inFlight.frontier,
    isLeading: true,
    isCold: inFlight.frontier === undefined,
    atLeast: 0,
  }
  while (stillWanted(pull) > 0) {
    const limit = rowsToRead(pull, at)
    if (limit === 0) {
      // The rescan goes on with a later pull.
      Object.assign(at, { isRescan: false, isLeading: true, after: inFlight.frontier })
      continue
    }
    const range = { pk: options.pk, ...rangeOf(pull, at), limit }
    const page = withoutControl(pull, range, await readRange(context, range))
    if (isDiscovery(pull, page.rows)) return
    await lookAtEnd(pull, page)
    if (await isPausedAfter(pull)) return
    const rows = upToBound(pull, page.rows)
    const isLast = page.next === undefined || rows.length < page.rows.length
    const { candidates, busy } = sortOut(pull, at, rows)
    joinSide(pull, candidates, isLast ? undefined : page.next)
    endOfPage(pull, at, isLast)
    if (!at.isRescan) inFlight.noteRead(rows.length, candidates.length)
    at.atLeast = candidates.length === 0 ? limit * 2 : 0
    await claimUpTo(pull, candidates, busy, isLast)
    if (isLast) break
    at.after = page.next
  }
  if (at.isCold && inFlight.frontier !== undefined) inFlight.rescan.end(context.runtime.monotonic())
}

/** From where on it reads, within its part of the partition. */
function rangeOf({ part = {} }: Pull, { after }: Scan): Pick<Range, 'after' | 'to'> {
  const from = part.after !== undefined && !isBeyond(after ?? '', part.after) ? part.after : after
  return { after: from || undefined, ...(part.to !== undefined && { to: part.to }) }
}

/** Whether messages were met whose priority nobody was known to have: each one is asked for by itself from now on. */
function isDiscovery({ context, options, isCollecting }: Pull, rows: readonly Row[]): boolean {
  if (isCollecting) return false
  const { use } = partitionOf(context, options.pk)
  const isNew = rows.some(({ sk }) => priorityOf(sk) !== 'normal' && !use.isKnown(priorityOf(sk)))
  if (isNew) for (const { sk } of rows) use.note(priorityOf(sk), context.runtime.monotonic())
  return isNew
}

/** The rows up to where the pull reads; the first one behind says when it is due. */
function upToBound(pull: Pull, rows: readonly Row[]): readonly Row[] {
  const { upTo } = pull
  const end = upTo === undefined ? -1 : rows.findIndex(({ sk }) => isBeyond(sk, upTo))
  if (end < 0) return rows
  const { due } = rows[end] as MessageRow
  if (due !== undefined) pull.nextDue = Math.min(pull.nextDue, due)
  return rows.slice(0, end)
}

/** What was due later joins the candidates of a page in its place. */
function joinSide(pull: Pull, candidates: MessageRow[], next: string | undefined): void {
  if (pull.isCollecting || pull.side.length === 0) return
  const behind = pull.side.findIndex(({ sk }) => next !== undefined && isBeyond(sk, next))
  candidates.push(...pull.side.splice(0, behind < 0 ? pull.side.length : behind))
  candidates.sort(bySk)
}

/** 0: a rescan may read nothing at the moment. */
function rowsToRead(pull: Pull, { isRescan, atLeast }: Scan): number {
  const limit = Math.min(maxPage, Math.max(worthReading(pull), atLeast))
  if (!isRescan) return limit
  const { rescan } = pull.inFlight
  const affordable = rescan.affordableRows(pull.context.runtime.monotonic())
  return affordable === 0 ? 0 : Math.min(affordable, maxPage, limit + rescan.lastRows)
}

/** Which rows of a page can be claimed; the others are noted. */
function sortOut(
  pull: Pull,
  at: Scan,
  rows: readonly Row[],
): { candidates: MessageRow[]; busy: ReadonlySet<string> } {
  const { inFlight, options } = pull
  const now = pull.context.runtime.now()
  const candidates: MessageRow[] = []
  const busy = new Set<string>()
  let isChunkBusy = false
  for (const row of rows) {
    if (beginsChunk(row.sk, options.limit)) isChunkBusy = false
    const isPassedOver = isMessage(row) && isExcepted(pull, row)
    if (isReady(row, now) && !isPassedOver) {
      at.isLeading = false
      if (inFlight.isClaiming(row.sk)) continue
      candidates.push(row)
      if (isChunkBusy) busy.add(row.sk)
      continue
    }
    isChunkBusy ||= isMessage(row) && row.first !== undefined && row.first > now - busyMs
    if (isPassedOver) inFlight.rescan.noticeDeadline(now + exceptedMs)
    passOver(pull, at, row, now)
  }
  return { candidates, busy }
}

/** A row that cannot be given out now: its deadline is noted, and the frontier moves past it. */
function passOver({ inFlight, context }: Pull, at: Scan, row: Row, now: number): void {
  if (at.isRescan || (at.isCold && at.isLeading)) inFlight.rescan.spend(rowBytes(row))
  if (
    isMessage(row) &&
    isLive(row, Math.floor(now / 1000)) &&
    row.due !== undefined &&
    !inFlight.isOwn(row.sk)
  )
    inFlight.rescan.noticeDeadline(row.due)
  if (at.isLeading) inFlight.pass(row.sk, at.isRescan, context.runtime.monotonic())
}

/** A rescan ends with the last page, or where it has passed the frontier; another pull may have ended it too. */
function endOfPage({ inFlight, context }: Pull, at: Scan, isLast: boolean): void {
  if (at.isRescan && at.isLeading && isLast) inFlight.rescan.end(context.runtime.monotonic())
  if (inFlight.rescan.place === undefined) at.isRescan = false
}
