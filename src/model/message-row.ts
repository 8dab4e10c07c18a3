import { InvalidInput } from '../errors.ts'
import type {
  AtomicDbDeadLetter,
  AtomicDbQueueItem,
  AtomicDbQueueItemInput,
  AtomicDbQueueItemKey,
} from '../interface.ts'
import type { Runtime } from '../runtime.ts'
import type { Guard, Row, RowOperation } from '../storage.ts'
import { futureMoment, shortText, wholeSeconds } from './checks.ts'
import { allGuards, isLive, isLiveGuard } from './expiry.ts'
import { checkFamily } from './families.ts'
import { checkMessageNames } from './item-names.ts'
import { controlSk, isScheduledName, queueOfShard } from './key-names.ts'
import { checkPk } from './keys.ts'
import { checkPriority, keyAt, type Priority, priorityOf, timeIn } from './priorities.ts'
import { fromItem } from './rows.ts'
import { fitsOneRow, maxItemBytes, rowBytes } from './sizes.ts'
import { packTraceparent, traceparentBytes, unpackTraceparent } from './traceparent.ts'

/** The row of a message. Its names are short because each of them is stored, and paid for, with every message. */
export interface MessageRow extends Row {
  /** How often it was received, 0 at first. Only messages have it: it is their mark. */
  n: number
  /** Before this it is not given out, epoch ms: the visibility deadline, or the end of a delay. */
  due?: number
  /** The receipt of whoever received it last; a release removes it. */
  r?: string
  /** When it was received first, epoch ms. */
  first?: number
  /** When it was pushed, epoch ms, where `sk` is the caller's; else its ULID says so. */
  enq?: number
  /** The shard that it was pushed to, where it lies with those of its queue that are due later. */
  q?: string
  /** The family of queues that its queue belongs to. */
  f?: string
  /** The group within which strict pulls keep the order. */
  g?: string
  /** The partition key of its payload, where that is a row of its own. */
  p?: string
  /** The trace that it belongs to, in 26 bytes. */
  t?: Uint8Array
  /** Why it was released last. */
  why?: string
  /** Of a dead letter: where it comes from, and why. */
  dl?: AtomicDbDeadLetter
  /** Its `uniqueId`. */
  u?: string
}

/** A message with a receipt. Whether its deadline has passed is another question. */
export interface ClaimedRow extends MessageRow {
  r: string
  due: number
}

/** A message on its way into a queue: its row, and what the caller is given. */
export interface NewMessage {
  row: MessageRow
  item: AtomicDbQueueItem
}

export function newMessage(
  source: Readonly<{ runtime: Pick<Runtime, 'now'>; ulid: () => string }>,
  input: AtomicDbQueueItemInput,
  field: string,
  delaySeconds = 0,
): NewMessage {
  const at = field === '' ? '' : `${field}.`
  if (typeof input !== 'object' || input === null)
    throw new InvalidInput(field || 'item', 'must be an object with pk', {
      given: input === null ? 'null' : typeof input,
    })
  checkMessageNames(input, field || 'item')
  checkPk(input.pk, `${at}pk`)
  const now = source.runtime.now()
  const due = dueTime(input, at, delaySeconds, now)
  if (input.sk === controlSk)
    throw new InvalidInput(`${at}sk`, `must not be '${controlSk}': that is the queue's own row`)
  const priority = priorityFor(input, at)
  const key = { pk: input.pk, sk: input.sk === undefined ? keyAt(priority, source.ulid()) : input.sk }
  const row: MessageRow = { ...fromItem({ ...key, data: input.data, ttl: input.ttl }, field), n: 0 }
  if (due !== undefined) row.due = due
  if (input.sk !== undefined) row.enq = now
  if (input.traceparent !== undefined) row.t = packTraceparent(input.traceparent, `${at}traceparent`)
  if (input.family !== undefined) row.f = checkFamily(input.family, input.pk, at)
  if (input.group !== undefined) row.g = shortText(input.group, `${at}group`, 128)
  if (input.uniqueId !== undefined) row.u = shortText(input.uniqueId, `${at}uniqueId`, 512)
  if (input.deduplicationId !== undefined) {
    shortText(input.deduplicationId, `${at}deduplicationId`, 512)
    if (input.sk !== undefined)
      throw new InvalidInput(
        `${at}deduplicationId`,
        'cannot stand with sk: an sk of your own is unique already',
      )
  }
  return { row, item: toMessage(row, now) }
}

function priorityFor({ priority, sk, group }: AtomicDbQueueItemInput, at: string): Priority {
  if (priority === undefined) return 'normal'
  const checked = checkPriority(priority, `${at}priority`)
  if (sk !== undefined && priorityOf(sk) !== checked)
    throw new InvalidInput(`${at}priority`, 'cannot stand with sk: a key of your own says its place already')
  if (group !== undefined && checked !== 'normal')
    throw new InvalidInput(`${at}priority`, 'cannot stand with group: a group keeps its order')
  return checked
}

/** Before which time it is not given out, epoch ms; `undefined`: it can be given out at once. */
function dueTime(
  { delaySeconds, at: time }: AtomicDbQueueItemInput,
  at: string,
  delayOfCall: number,
  now: number,
): number | undefined {
  const delay = wholeSeconds(delaySeconds ?? delayOfCall, `${at}delaySeconds`)
  if (time === undefined) return delay > 0 ? now + delay * 1000 : undefined
  if (delaySeconds !== undefined)
    throw new InvalidInput(`${at}at`, 'cannot stand with delaySeconds: both say when it is due')
  return futureMoment(time, `${at}at`, now)
}

/** The queue, or its shard, that a message was pushed to. */
export const pushedTo = ({ pk, q }: Pick<MessageRow, 'pk' | 'q'>): string =>
  q ?? (isScheduledName(pk) ? queueOfShard(pk) : pk)

/**
 * Refuses a message that leaves no room in its row. A message grows when it is claimed (receipt, deadline, reason) and
 * as a dead letter (where it comes from, and why). Without room it could never be claimed, and would block its queue.
 */
export function checkRoom(row: Row, field: string): void {
  const most = maxMessageBytes + ((row as MessageRow).t === undefined ? 0 : traceparentBytes)
  if (fitsOneRow(row, most)) return
  throw new InvalidInput(
    field || 'item',
    `must be at most ${maxMessageBytes} bytes with its key and names: the rest of the row is for receipts; larger data goes into a row of its own with payloadThreshold`,
    { limit: maxMessageBytes, given: `${rowBytes(row)} bytes`, keys: [{ pk: row.pk, sk: row.sk }] },
  )
}

const maxMessageBytes = maxItemBytes - 4096

export const isMessage = (row: Row | undefined): row is MessageRow => typeof row?.n === 'number'

/** Whether a row is a message that was claimed with this receipt, by whoever asks. */
export const isHeldBy = (row: Row | undefined, receipt: string): row is ClaimedRow =>
  isMessage(row) && row.r === receipt && typeof row.due === 'number'

/** Whether it was received before, even if that did not count. */
export const wasReceived = (row: MessageRow): boolean => row.n > 0 || row.first !== undefined

export const isUlid = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/

/** What callers see of a message at this moment, epoch ms. */
export function toMessage<T>(row: MessageRow, now: number): AtomicDbQueueItem<T> {
  const { due, r: receipt } = row
  const isProcessing = receipt !== undefined && due !== undefined && due > now
  const item: AtomicDbQueueItem<T> = {
    pk: row.pk,
    sk: row.sk,
    data: row.data as T,
    isProcessing,
    receiveCount: row.n,
    enqueuedAt: row.enq ?? timeIn(row.sk) ?? 0,
  }
  if (isProcessing) item.processingTimeout = due
  else if (due !== undefined && due > now) item.dueAt = due
  if (receipt !== undefined) item.receipt = receipt
  if (row.first !== undefined) item.firstReceivedAt = row.first
  if (row.ttl !== undefined) item.ttl = row.ttl
  if (row.p !== undefined) item.payloadKey = row.p
  if (row.f !== undefined) item.family = row.f
  if (isScheduledName(row.pk)) item.queue = pushedTo(row)
  if (row.g !== undefined) item.group = row.g
  const priority = priorityOf(row.sk)
  if (priority !== 'normal') item.priority = priority
  if (row.why !== undefined) item.reason = row.why
  const traceparent = row.t === undefined ? undefined : unpackTraceparent(row.t)
  if (traceparent !== undefined) item.traceparent = traceparent
  if (row.dl !== undefined) item.deadLetter = row.dl
  if (row.u !== undefined) item.uniqueId = row.u
  return item
}

/** Whether a message can be given out at this moment, epoch ms. */
export const isReady = (row: Row | undefined, now: number): row is MessageRow =>
  isMessage(row) && isLive(row, Math.floor(now / 1000)) && !(row.due !== undefined && row.due > now)

/** The same as a guard. */
export const isReadyGuard = (now: number): Guard =>
  allGuards({ op: 'exists', path: ['n'] }, isLiveGuard(Math.floor(now / 1000)), {
    op: 'or',
    of: [
      { op: 'absent', path: ['due'] },
      { op: 'lte', left: { path: ['due'] }, right: { value: now } },
    ],
  })

/** So long after its visibility timeout nobody holds a message, whose clock is wrong by less, ms. */
const toleranceMs = 2000

/** Whether nobody holds it: it is ready or delayed, or was not kept in time. */
export const isWaiting = ({ r, due = 0 }: MessageRow, now: number): boolean =>
  r === undefined || due + toleranceMs <= now

/** The same as a guard. Another message with a key of the caller's has another payload, or another id. */
export const isWaitingGuard = (row: MessageRow, now: number): Guard =>
  allGuards(
    { op: 'exists', path: ['n'] },
    isLiveGuard(Math.floor(now / 1000)),
    {
      op: 'or',
      of: [
        { op: 'absent', path: ['r'] },
        { op: 'lte', left: { path: ['due'] }, right: { value: now - toleranceMs } },
      ],
    },
    same(row, 'p'),
    same(row, 'u'),
  )

const same = (row: MessageRow, name: 'p' | 'u'): Guard =>
  row[name] === undefined
    ? { op: 'absent', path: [name] }
    : { op: 'eq', left: { path: [name] }, right: { value: row[name] } }

/** Holds while this receipt is current: nobody has received the message since. */
export const isHeldGuard = (receipt: string): Guard => ({
  op: 'eq',
  left: { path: ['r'] },
  right: { value: receipt },
})

/** Deletes a message: with a receipt only while it is current. */
export function acknowledgeOperation(item: AtomicDbQueueItemKey): RowOperation & { op: 'delete' } {
  const key = { pk: item.pk, sk: item.sk }
  return item.receipt === undefined
    ? { op: 'delete', key }
    : { op: 'delete', key, guard: isHeldGuard(item.receipt) }
}
