import { InvalidInput } from '../../errors.ts'
import type { AtomicDbDeadLetter, AtomicDbQueueRedriveOptions } from '../../interface.ts'
import { wholeNumber } from '../../model/checks.ts'
import { allGuards, isVacantGuard } from '../../model/expiry.ts'
import { checkFamily } from '../../model/families.ts'
import { deadLetterName, payloadKey, queueOfShard } from '../../model/key-names.ts'
import { checkPk, keyText } from '../../model/keys.ts'
import { isReady, isReadyGuard, type MessageRow, pushedTo } from '../../model/message-row.ts'
import { keyAt, priorityOf } from '../../model/priorities.ts'
import { checkShards } from '../../model/shards.ts'
import { maxItemBytes, rowBytes } from '../../model/sizes.ts'
import { announcePush } from '../../model/wake.ts'
import { type Guard, type Page, type Row, type RowOperation, StorageFault } from '../../storage.ts'
import { type Context, nowSeconds } from '../context.ts'
import { transactCertainly } from '../lost-replies.ts'
import { readRange } from '../requests.ts'
import { inSlices } from '../slices.ts'
import { arrived } from './in-flight.ts'
import { pointedAt } from './pointers.ts'
import { shardFor } from './shards.ts'
import { lookAt, markerFor, taking } from './unique-marker.ts'

/** A message that has been through more dead-letter queues than this goes in a circle. */
const maxHops = 5

export function deadLetterOf(pk: string, given: string | undefined): string {
  if (given === undefined) return deadLetterName(pk)
  checkPk(given, 'deadLetter')
  if (given === pk) throw new InvalidInput('deadLetter', 'must be another queue than pk')
  return given
}

/** Moves a message in one transaction, with the rows that go along. False: another process has it by now, or one of those rows. */
export async function move(
  context: Context,
  row: MessageRow,
  to: MessageRow,
  guard = asReceived(context, row),
  along: () => readonly RowOperation[] = () => [],
): Promise<boolean> {
  const key = { pk: row.pk, sk: row.sk }
  const pointed = await pointedAt(context, [to])
  for (;;) {
    const put = { op: 'put' as const, row: to, guard: isVacantGuard(nowSeconds(context)) }
    const failed = await transactCertainly(pointed, [{ op: 'delete', key, guard }, put, ...along()], [key])
    if (failed.length === 0) return true
    if (failed.some(({ index }) => index !== 1)) return false
    // Another row has that key: the message goes behind it.
    to.sk = keyAt(priorityOf(to.sk), context.ulid())
  }
}

function asReceived(context: Context, row: MessageRow): Guard {
  const same: Guard = { op: 'eq', left: { path: ['n'] }, right: { value: row.n } }
  return allGuards(isReadyGuard(context.runtime.now()), same)
}

/** The row of a message in another queue, without its receipts and deadlines. */
function moved(row: MessageRow, pk: string): MessageRow {
  const copy: MessageRow = { ...row, pk, n: 0 }
  for (const name of ['due', 'r', 'first', 'dl', 'q'] as const) delete copy[name]
  return copy
}

/**
 * Moves a message to the dead letters and returns the letter; `undefined` when another process has the message by now,
 * or the letter has no room. `why` is given for a message that this process holds itself.
 */
export async function bury(
  context: Context,
  row: MessageRow,
  deadLetter: string,
  why?: { reason: string; guard?: Guard },
): Promise<MessageRow | undefined> {
  const before = row.dl
  const dl: AtomicDbDeadLetter = {
    from: pushedTo(row),
    reason: why?.reason ?? row.why ?? `received ${row.n} times`,
    at: context.runtime.now(),
    receives: row.n,
  }
  if (before !== undefined) dl.hops = (before.hops ?? 1) + 1
  // Two queues can be the dead letters of each other: the message ends where nobody sends it on.
  const goesInCircles = before?.from === deadLetter || (dl.hops ?? 0) > maxHops
  const letter: MessageRow = {
    ...moved(row, goesInCircles ? deadLetterName(queueOfShard(row.pk)) : deadLetter),
    dl,
  }
  if (rowBytes(letter) <= maxItemBytes)
    return (await move(context, row, letter, why?.guard)) ? letter : undefined
  return buryLarge(context, row, letter, why?.guard)
}

/** The letter is too large for one row: its data goes into a row of its own. */
async function buryLarge(
  context: Context,
  row: MessageRow,
  whole: MessageRow,
  guard?: Guard,
): Promise<MessageRow | undefined> {
  const { data } = whole
  const letter: MessageRow = { ...whole }
  delete letter.data
  const payload: Row = { ...payloadKey(row.pk, context.id()), data }
  letter.p = payload.pk
  if (letter.ttl !== undefined) payload.ttl = letter.ttl
  try {
    const done = await move(context, row, letter, guard, () => [{ op: 'put', row: payload }])
    return done ? { ...letter, data } : undefined
  } catch (error) {
    // No push of ours makes such a row: it stays where it is, and pulls go past it.
    if (error instanceof StorageFault && error.kind === 'invalid') return undefined
    throw error
  }
}

export async function redrive(context: Context, options: AtomicDbQueueRedriveOptions): Promise<number> {
  checkPk(options?.from, 'from')
  if (options.to !== undefined) checkPk(options.to, 'to')
  if (options.to === options.from) throw new InvalidInput('to', 'must be another queue than from')
  if (options.limit !== undefined) wholeNumber(options.limit, 'limit', { min: 1 })
  if (options.shards !== undefined) checkShards(options.shards)
  if (options.family !== undefined) checkFamily(options.family, options.to ?? '')
  return inSlices(context, (did) => redriveAll(context, options, did))
}

async function redriveAll(
  context: Context,
  options: AtomicDbQueueRedriveOptions,
  did: (count: number) => void,
): Promise<number> {
  let left = options.limit ?? Number.POSITIVE_INFINITY
  let count = 0
  let after: string | undefined
  const tried = new Set<string>()
  do {
    const page: Page = await readRange(context, { pk: options.from, after })
    for (const row of page.rows) {
      if (left <= 0) return count
      if (!isReady(row, context.runtime.now()) || tried.has(keyText(row))) continue
      tried.add(keyText(row))
      const to = targetOf(context, row, options)
      // A message that was pushed here by hand has nowhere to go back to.
      if (to === undefined || to === row.pk) continue
      const target = moved(row, to)
      if (options.to !== undefined) joinFamily(target, options)
      delete target.why
      // Its group has gone on meanwhile: it takes its place behind the others.
      if (row.g !== undefined && row.enq === undefined) target.sk = context.ulid()
      if (!(await moveBack(context, row, target))) continue
      arrived(context, target)
      announcePush(context.runtime, target.pk, target.f)
      did(1)
      count++
      left--
    }
    after = page.next
  } while (after !== undefined)
  return count
}

/** A message that goes to another queue leaves its family, unless that queue is of the same one. */
function joinFamily(target: MessageRow, { family }: AtomicDbQueueRedriveOptions): void {
  if (family !== undefined) target.f = family
  else if (target.f !== undefined && !target.pk.startsWith(target.f)) delete target.f
}

/** With its `uniqueId` it takes its marker again; where another message has that, it stays a dead letter. */
async function moveBack(context: Context, row: MessageRow, to: MessageRow): Promise<boolean> {
  const marker = markerFor(context, to)
  if (!marker) return move(context, row, to)
  await lookAt(context, [marker])
  if (marker.holder) return false
  return move(context, row, to, undefined, () => [taking(marker, nowSeconds(context))])
}

/** Where a dead letter goes back to. Its shard follows from the number of shards that is given now. */
function targetOf(
  context: Context,
  row: MessageRow,
  { to, shards }: AtomicDbQueueRedriveOptions,
): string | undefined {
  const pk = to ?? row.dl?.from
  if (pk === undefined) return undefined
  const queue = queueOfShard(pk)
  if (shards !== undefined) {
    const key = row.enq === undefined ? undefined : row.sk
    return shardFor(context, shards, { pk: queue, group: row.g, sk: key })
  }
  if (to === undefined && queue !== pk)
    throw new InvalidInput(
      'shards',
      `is missing: dead letters come from ${pk}; say how many shards the consumers of ${queue} use now`,
    )
  return pk
}
