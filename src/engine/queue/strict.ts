import { encodeTime } from 'ulid'
import type { Row } from '../../storage.ts'
import { nowSeconds } from '../context.ts'
import { readRows } from '../requests.ts'
import { utf8Order } from '../values.ts'
import { claim, giveUp, maxPage, missing, type Pull } from './claim.ts'
import { Groups, isBehind, type Known, wasReceived } from './groups.ts'
import { isMessage, isReady } from './messages.ts'
import { readPage } from './read.ts'
import { ownDue } from './view.ts'

/** What others hold is looked at again after so long, ms, sooner while that is rare; so many messages by one pull. */
const lookAgainMs = 500
const looksAtOnce = 10
/** A message appears at most so long after the time in its key, ms, as far as clocks and requests are as they should. */
const behindMs = 2000

/**
 * At most one message of each group, and only the first one that is there, while none of its group is in processing.
 * The first pull of a process reads the whole queue, later ones what is new.
 */
export async function strictly(mine: Pull): Promise<void> {
  const { view, context } = mine
  view.groups ??= new Groups()
  const { groups } = view
  // Nothing is looked up by these here.
  ownDue(view, context.runtime.now(), 0)
  // One at a time: two would take each other's messages for gone.
  while (groups.reading) await groups.reading.catch(() => {})
  if (groups.needsReading(context.runtime.monotonic())) {
    groups.reading = readAll(mine, groups).finally(() => {
      groups.reading = undefined
    })
    await groups.reading
  }
  await takeHeads(mine, groups)
  if (missing(mine) <= 0) return
  if (await lookAgain(mine, groups)) await takeHeads(mine, groups)
  for (let more = true; more && missing(mine) > 0; ) {
    more = await readOn(mine, groups)
    await takeHeads(mine, groups)
  }
}

async function readAll(mine: Pull, groups: Groups): Promise<void> {
  groups.beginReading()
  while (await readOn(mine, groups)) {}
  groups.endReading(mine.context.runtime.monotonic())
}

/** The next page behind what is known; false when that was the last. */
async function readOn(mine: Pull, groups: Groups): Promise<boolean> {
  const { context, options } = mine
  const { end } = groups
  const page = await readPage(context, options.pk, end, maxPage)
  if (page.rows.length > 0) await readBefore(mine, groups, end)
  groups.add(page.rows, nowSeconds(context), context.runtime.monotonic())
  groups.readUntil = context.runtime.now()
  return page.next !== undefined
}

/** What may have appeared before the last key known, from a producer whose clock is behind or whose request took long. */
async function readBefore(
  { context, options }: Pull,
  groups: Groups,
  end: string | undefined,
): Promise<void> {
  if (end === undefined || groups.isReadingAll) return
  let after: string | undefined = encodeTime(Math.max(0, groups.readUntil - behindMs))
  while (after !== undefined && utf8Order(after) < utf8Order(end)) {
    const page = await readPage(context, options.pk, after, maxPage)
    const rows = page.rows.filter(({ sk }) => utf8Order(sk) <= utf8Order(end))
    groups.add(rows, nowSeconds(context), context.runtime.monotonic())
    after = page.next
  }
}

/** The first message of each group that has none in processing, in order. */
function heads({ context, options, view }: Pull, groups: Groups): Known[] {
  const now = context.runtime.now()
  const found: Known[] = []
  for (const members of options.group === undefined ? groups.groups : [groups.of(options.group)]) {
    if (members.some((one) => one.received && one.due > now)) continue
    const head = members.find(
      (one) => one.due <= now && !((one.ttl ?? Number.POSITIVE_INFINITY) <= now / 1000),
    )
    if (head && !view.claiming.has(head.sk)) found.push(head)
  }
  return found.sort((a, b) => (isBehind(a, b) ? 1 : -1))
}

async function takeHeads(mine: Pull, groups: Groups): Promise<void> {
  const { view } = mine
  while (missing(mine) > 0) {
    const some = heads(mine, groups).slice(0, missing(mine))
    if (some.length === 0) return
    for (const { sk } of some) view.claiming.add(sk)
    const tries = await Promise.allSettled(
      some.map((head) => takeHead(mine, groups, head).finally(() => view.claiming.delete(head.sk))),
    )
    for (const one of tries) if (one.status === 'rejected') throw one.reason
  }
}

/** Claims it, or learns how it is. Every outcome changes what is known, so that the next look goes on from there. */
async function takeHead(mine: Pull, groups: Groups, head: Known): Promise<void> {
  const { options } = mine
  if (head.late && !(await isFirst(mine, groups, head))) return
  const row: Row = { pk: options.pk, sk: head.sk, n: head.receives }
  if (head.receives >= (options.maxReceives ?? Number.POSITIVE_INFINITY)) return buryHead(mine, groups, head)
  const outcome = await claim(mine, row, (found) => learn(mine, groups, head.sk, found))
  if (outcome === 'claimed') head.receives++
  else if (outcome === 'buried') groups.remove(head.sk)
}

async function buryHead(mine: Pull, groups: Groups, head: Known): Promise<void> {
  const [row] = await readRows(mine.context, [{ pk: mine.options.pk, sk: head.sk }])
  learn(mine, groups, head.sk, row)
  const isExhausted = row && (row.n as number) >= mine.options.maxReceives!
  if (!isExhausted || !isReady(row, mine.context.runtime.now())) return
  if (await giveUp(mine, row)) groups.remove(head.sk)
  else await lookAt(mine, groups, head)
}

async function lookAt(mine: Pull, groups: Groups, { sk }: Known): Promise<void> {
  const [row] = await readRows(mine.context, [{ pk: mine.options.pk, sk }])
  learn(mine, groups, sk, row)
}

function learn({ context }: Pull, groups: Groups, sk: string, row: Row | undefined): void {
  if (!row || !isMessage(row)) groups.remove(sk)
  else groups.update(row, context.runtime.monotonic())
}

/**
 * Whether none behind it was given out before it became available: the next of its group that others would have
 * taken is still there, and waits.
 */
async function isFirst(mine: Pull, groups: Groups, head: Known): Promise<boolean> {
  const { context, options } = mine
  while (await readOn(mine, groups)) {}
  const behind = groups.of(head.group).filter((one) => isBehind(one, head))
  for (const known of behind) {
    const [row] = await readRows(context, [{ pk: options.pk, sk: known.sk }])
    learn(mine, groups, known.sk, row)
    if (!row || !isMessage(row)) continue
    const now = context.runtime.now()
    if (wasReceived(row) && (row.due as number) > now) return false
    if (!known.late && isReady(row, now)) break
  }
  head.late = false
  return true
}

/** Reads again what others hold: they may be done with it. True when that has changed something. */
async function lookAgain(mine: Pull, groups: Groups): Promise<boolean> {
  const { context, options } = mine
  const now = context.runtime.now()
  const monotonic = context.runtime.monotonic()
  const held: Known[] = []
  for (const members of options.group === undefined ? groups.groups : [groups.of(options.group)])
    for (const one of members) if (one.received && !one.ours && one.due > now) held.push(one)
  held.sort((a, b) => a.readAt - b.readAt)
  const early = groups.earlyLooks(monotonic)
  const some = held
    .filter((one, i) => i < early || monotonic - one.readAt >= lookAgainMs)
    .slice(0, looksAtOnce)
  if (some.length === 0) return false
  groups.looked(some.length)
  const rows = await readRows(
    context,
    some.map(({ sk }) => ({ pk: options.pk, sk })),
  )
  rows.forEach((row, i) => {
    learn(mine, groups, some[i]!.sk, row)
  })
  return true
}
