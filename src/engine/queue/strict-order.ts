import { decodeTime, encodeTime } from 'ulid'
import { isMessage, isReady, isUlid, type MessageRow, wasReceived } from '../../model/message-row.ts'
import type { Range, Row } from '../../storage.ts'
import { nowSeconds } from '../context.ts'
import { readRange, readRows } from '../requests.ts'
import { claim, giveUp, maxPage, type Pull, stillWanted } from './claim.ts'
import { isPausedAfter, withoutControl } from './control-pages.ts'
import { type Groups, isBehind, type Known } from './groups.ts'
import { isBeyond } from './order.ts'

/** What other processes hold is read again after this time, ms, and sooner while that is rare. */
const readAgainMs = 500
/** How many of those messages one pull reads at most. */
const readsAtOnce = 10
/** How long a push takes at most, and how far the clocks of producers differ, ms, where all is well. */
const behindMs = 2000

/**
 * Claims at most one message of each group: the first one that is there, while none of its group is in processing.
 * The first pull of a process reads the whole queue, later ones what is new.
 */
export async function pullInOrder(pull: Pull): Promise<void> {
  const { inFlight, context } = pull
  const { groups } = inFlight
  if (await isPausedAfter(pull)) return
  // Strict pulls know these from their groups.
  inFlight.takeOwnDue(context.runtime.now(), 0)
  // One at a time: each of two readings would treat the other's messages as gone.
  while (groups.reading) await groups.reading.catch(() => {})
  if (groups.needsReading(context.runtime.monotonic())) {
    groups.reading = readAll(pull, groups).finally(() => {
      groups.reading = undefined
    })
    await groups.reading
  }
  await claimHeads(pull, groups)
  if (stillWanted(pull) <= 0) return
  if (await readHeldAgain(pull, groups)) await claimHeads(pull, groups)
  for (let more = true; more && stillWanted(pull) > 0; ) {
    more = await readOn(pull, groups)
    await claimHeads(pull, groups)
  }
}

async function readAll(pull: Pull, groups: Groups): Promise<void> {
  groups.beginReading()
  while (await readOn(pull, groups)) {}
  groups.endReading(pull.context.runtime.monotonic())
}

/** The next page behind what is known; false when that was the last. */
async function readOn(pull: Pull, groups: Groups): Promise<boolean> {
  const { context, options } = pull
  const { end } = groups
  const range = { pk: options.pk, after: end, limit: maxPage }
  const page = withoutControl(pull, range, await readRange(context, range))
  const isNew = page.rows.length > 0
  if (isNew) await readBefore(pull, groups, end)
  groups.add(page.rows, nowSeconds(context), context.runtime.monotonic())
  if (isNew || groups.isReadingAll) groups.readUntil = context.runtime.now()
  return page.next !== undefined
}

/**
 * Reads what may have appeared before the last known key since that was read: from a producer whose clock is behind, or
 * whose request took long.
 */
async function readBefore(pull: Pull, groups: Groups, end: string | undefined): Promise<void> {
  if (end === undefined || groups.isReadingAll) return
  const { context, options } = pull
  const known = isUlid.test(end) ? decodeTime(end) : groups.readUntil
  const from = Math.min(known, groups.readUntil) - behindMs
  let after: string | undefined = encodeTime(Math.max(0, from))
  while (after !== undefined && isBeyond(end, after)) {
    const range: Range = { pk: options.pk, after, limit: maxPage }
    const page = withoutControl(pull, range, await readRange(context, range))
    const rows = page.rows.filter(({ sk }) => !isBeyond(sk, end))
    groups.add(rows, nowSeconds(context), context.runtime.monotonic())
    after = page.next
  }
}

/** The first message of each group that has none in processing, in order. */
function heads({ context, options, inFlight }: Pull, groups: Groups): Known[] {
  const now = context.runtime.now()
  const found: Known[] = []
  for (const members of options.group === undefined ? groups.groups : [groups.of(options.group)]) {
    if (members.some((one) => one.received && one.due > now)) continue
    const head = members.find(
      (one) => one.due <= now && !((one.ttl ?? Number.POSITIVE_INFINITY) <= now / 1000),
    )
    if (head && !inFlight.isClaiming(head.sk)) found.push(head)
  }
  return found.sort((a, b) => (isBehind(a, b) ? 1 : -1))
}

async function claimHeads(pull: Pull, groups: Groups): Promise<void> {
  while (stillWanted(pull) > 0) {
    const some = heads(pull, groups).slice(0, stillWanted(pull))
    if (some.length === 0) return
    const tries = await Promise.allSettled(
      some.map((head) => pull.inFlight.whileClaiming(head.sk, () => claimHead(pull, groups, head))),
    )
    for (const one of tries) if (one.status === 'rejected') throw one.reason
  }
}

/** Claims it, or learns how it is. Every outcome changes what is known: the next choice of heads is another one. */
async function claimHead(pull: Pull, groups: Groups, head: Known): Promise<void> {
  const { options } = pull
  if (await wasOvertaken(pull, groups, head)) return
  if (head.late && !(await isFirst(pull, groups, head))) return
  const row: MessageRow = { pk: options.pk, sk: head.sk, n: head.receives }
  if (head.receives >= (options.maxReceives ?? Number.POSITIVE_INFINITY)) return buryHead(pull, groups, head)
  const outcome = await claim(pull, row, (found) => learn(pull, groups, head.sk, found))
  if (outcome === 'claimed') head.receives++
  else if (outcome === 'buried') groups.remove(head.sk)
}

async function buryHead(pull: Pull, groups: Groups, head: Known): Promise<void> {
  const [row] = await readRows(pull.context, [{ pk: pull.options.pk, sk: head.sk }])
  learn(pull, groups, head.sk, row)
  if (!isReady(row, pull.context.runtime.now()) || row.n < pull.options.maxReceives!) return
  if (await giveUp(pull, row)) groups.remove(head.sk)
  else await readAgain(pull, groups, head)
}

async function readAgain(pull: Pull, groups: Groups, { sk }: Known): Promise<void> {
  const [row] = await readRows(pull.context, [{ pk: pull.options.pk, sk }])
  learn(pull, groups, sk, row)
}

function learn({ context }: Pull, groups: Groups, sk: string, row: Row | undefined): void {
  if (!isMessage(row)) groups.remove(sk)
  else groups.update(row, context.runtime.monotonic())
}

/**
 * Whether a consumer whose clock is ahead was given a message before this one, whose delay is not over by our clock.
 * Only those are read whose delay ends within what clocks may differ.
 */
async function wasOvertaken(pull: Pull, groups: Groups, head: Known): Promise<boolean> {
  const { context, options } = pull
  const now = context.runtime.now()
  const before = groups
    .of(head.group)
    .filter((one) => isBehind(head, one) && !one.received && one.due > now && one.due <= now + behindMs)
  if (before.length === 0) return false
  const rows = await readRows(
    context,
    before.map(({ sk }) => ({ pk: options.pk, sk })),
  )
  rows.forEach((row, i) => {
    learn(pull, groups, before[i]!.sk, row)
  })
  return before.some(({ received }, i) => received && rows[i] !== undefined)
}

/**
 * Whether no message behind it was given out before it became available: the next one of its group that others would
 * have claimed is still there, and waits.
 */
async function isFirst(pull: Pull, groups: Groups, head: Known): Promise<boolean> {
  const { context, options } = pull
  while (await readOn(pull, groups)) {}
  const behind = groups.of(head.group).filter((one) => isBehind(one, head))
  for (const known of behind) {
    const [row] = await readRows(context, [{ pk: options.pk, sk: known.sk }])
    learn(pull, groups, known.sk, row)
    if (!isMessage(row)) continue
    const now = context.runtime.now()
    if (wasReceived(row) && row.due !== undefined && row.due > now) return false
    if (!known.late && isReady(row, now)) break
  }
  head.late = false
  return true
}

/** Reads again what other processes hold: they may be done with it. True when it has read anything. */
async function readHeldAgain(pull: Pull, groups: Groups): Promise<boolean> {
  const { context, options } = pull
  const now = context.runtime.now()
  const monotonic = context.runtime.monotonic()
  const held: Known[] = []
  for (const members of options.group === undefined ? groups.groups : [groups.of(options.group)])
    for (const one of members) if (one.received && !one.ours && one.due > now) held.push(one)
  held.sort((a, b) => a.readAt - b.readAt)
  const early = groups.earlyLooks(monotonic)
  const some = held
    .filter((one, i) => i < early || monotonic - one.readAt >= readAgainMs)
    .slice(0, readsAtOnce)
  if (some.length === 0) return false
  groups.looked(some.length)
  const rows = await readRows(
    context,
    some.map(({ sk }) => ({ pk: options.pk, sk })),
  )
  rows.forEach((row, i) => {
    learn(pull, groups, some[i]!.sk, row)
  })
  return true
}
