import type { Row } from '../../storage.ts'
import { isLive } from '../conditions.ts'
import { readRows } from '../requests.ts'
import { rowBytes } from '../values.ts'
import { beginsChunk, maxPage, missing, type Pull, take, worthReading } from './claim.ts'
import { isMessage, isReady } from './messages.ts'
import { readPage } from './read.ts'
import {
  affordable,
  beginRescan,
  endRescan,
  isBeyond,
  mayRescan,
  notice,
  ownDue,
  planRescan,
  spend,
  type View,
} from './view.ts'

/** A message first received so lately is taken as a sign that its chunk is being claimed, ms. */
const busyMs = 100

/** The first messages that can be given out, without reading again what is known to be in flight. */
export async function freely(mine: Pull): Promise<void> {
  const { context, view } = mine
  const { runtime } = context
  await takeOwn(mine)
  if (missing(mine) <= 0) return
  planRescan(view, runtime.monotonic(), runtime.now())
  await walk(mine)
  // Nothing beyond the frontier: something may have come back before it.
  if (mine.rows.length === 0 && mayRescan(view, runtime.monotonic())) {
    beginRescan(view, runtime.monotonic(), 'at once')
    await walk(mine)
  }
}

/** What this process itself gave back, or held for too long, by its keys. */
async function takeOwn(mine: Pull): Promise<void> {
  const { context, view, options } = mine
  const { runtime } = context
  const own = ownDue(view, runtime.now(), Math.min(100, options.limit))
  if (own.length === 0) return
  const keys = own.map((sk) => ({ pk: options.pk, sk }))
  const rows = await readRows(context, keys)
  const due = rows.filter((row): row is Row => row !== undefined && isReady(row, runtime.now()))
  await take(mine, due, new Set(), true)
}

/** Pages from where the rescan or the frontier is, until enough is claimed or nothing is left. */
async function walk(mine: Pull): Promise<void> {
  const { context, view, options } = mine
  const { runtime } = context
  const cold = view.frontier === undefined
  let scanning = view.scan !== undefined
  let after = view.scan ?? view.frontier
  // Up to the first row that can be given out, what was read need not be read again.
  let leading = true
  let grown = 0
  while (missing(mine) > 0) {
    let limit = Math.min(maxPage, Math.max(worthReading(mine), grown))
    if (scanning) {
      const rows = affordable(view, runtime.monotonic())
      if (rows === 0) {
        // The rescan goes on with a later pull.
        scanning = false
        leading = true
        after = view.frontier
        continue
      }
      limit = Math.min(rows, maxPage, limit + view.before)
    }
    const page = await readPage(context, options.pk, after || undefined, limit)
    const now = runtime.now()
    const candidates: Row[] = []
    const busy = new Set<string>()
    let taken = false
    for (const row of page.rows) {
      if (beginsChunk(row.sk, options.limit)) taken = false
      if (isReady(row, now)) {
        leading = false
        if (view.claiming.has(row.sk)) continue
        candidates.push(row)
        if (taken) busy.add(row.sk)
        continue
      }
      taken ||= (row.first as number) > now - busyMs
      if (scanning || (cold && leading)) spend(view, rowBytes(row))
      if (isMessage(row) && isLive(row, Math.floor(now / 1000)) && !view.own.has(row.sk))
        notice(view, row.due as number)
      if (leading) advance(view, row.sk, scanning, runtime.monotonic())
    }
    if (scanning && leading && page.next === undefined) endRescan(view, runtime.monotonic())
    if (scanning && view.scan === undefined) scanning = false
    if (!scanning && page.rows.length > 0)
      view.share = Math.max(1 / 16, 0.7 * view.share + (0.3 * candidates.length) / page.rows.length)
    grown = candidates.length === 0 ? limit * 2 : 0
    await take(mine, candidates, busy, page.next === undefined)
    if (page.next === undefined) break
    after = page.next
  }
  if (cold && view.frontier !== undefined) endRescan(view, runtime.monotonic())
}

function advance(view: View, sk: string, scanning: boolean, monotonic: number): void {
  if (scanning && view.scan !== undefined) {
    if (isBeyond(sk, view.scan)) view.scan = sk
    if (isBeyond(sk, view.frontier)) endRescan(view, monotonic)
  }
  if (isBeyond(sk, view.frontier)) view.frontier = sk
}
