import { decodeTime } from 'ulid'
import { InvalidInput } from '../../errors.ts'
import type {
  AtomicDbDeadLetter,
  AtomicDbQueueItem,
  AtomicDbQueueItemInput,
  AtomicDbQueueItemKey,
} from '../../interface.ts'
import { maxDurationMs, wholeNumber } from '../../model/checks.ts'
import { checkMessageNames } from '../../model/item-names.ts'
import type { Guard, Row, RowOperation } from '../../storage.ts'
import { both, isLive, live } from '../conditions.ts'
import type { Context } from '../context.ts'
import { checkPk } from '../keys.ts'
import { fromItem } from '../rows.ts'
import { fitsOneRow, maxItemBytes, rowBytes } from '../values.ts'

/**
 * The row of a message, beside pk (the queue), sk, data and ttl:
 * `n` how often it was received (its mark, 0 at first), `due` epoch ms before which it is not given out,
 * `r` the receipt of who has it, `first` epoch ms of its first receipt, `enq` epoch ms of its push where sk is the caller's,
 * `g` its group, `p` the partition key of its payload where that is a row of its own, `why` it was released, `dl` where a dead letter comes from.
 */
export interface NewMessage {
  row: Row
  item: AtomicDbQueueItem
}

export function newMessage(
  context: Context,
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
  const now = context.runtime.now()
  const delay = checkSeconds(input.delaySeconds ?? delaySeconds, `${at}delaySeconds`, 0)
  const row = fromItem(
    { pk: input.pk, sk: input.sk ?? context.ulid(), data: input.data, ttl: input.ttl },
    field,
  )
  row.n = 0
  if (delay > 0) row.due = now + delay * 1000
  if (input.sk !== undefined) row.enq = now
  if (input.group !== undefined) row.g = checkText(input.group, `${at}group`, 128)
  if (input.deduplicationId !== undefined) {
    checkText(input.deduplicationId, `${at}deduplicationId`, 512)
    if (input.sk !== undefined)
      throw new InvalidInput(
        `${at}deduplicationId`,
        'cannot stand with sk: an sk of your own is unique already',
      )
  }
  return { row, item: toMessage(row, now) }
}

/**
 * A message grows with each hand-out (receipt, deadline, reason) and as a dead letter (where it comes from, and why).
 * What has no room for that could never be claimed, and would block its queue.
 */
export function checkRoom(row: Row, field: string): void {
  if (fitsOneRow(row, maxMessageBytes)) return
  throw new InvalidInput(
    field || 'item',
    `must be at most ${maxMessageBytes} bytes with its key and names: the rest of the row is for receipts; larger data goes into a row of its own with payloadThreshold`,
    { limit: maxMessageBytes, given: `${rowBytes(row)} bytes`, keys: [{ pk: row.pk, sk: row.sk }] },
  )
}

const maxMessageBytes = maxItemBytes - 4096

export function checkText(value: unknown, field: string, limit: number): string {
  if (typeof value !== 'string' || value === '' || !value.isWellFormed() || Buffer.byteLength(value) > limit)
    throw new InvalidInput(field, `must be a text of 1 to ${limit} bytes`, { limit })
  return value
}

export const isMessage = (row: Row): boolean => typeof row.n === 'number'

const isUlid = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/

export function toMessage<T>(row: Row, now: number): AtomicDbQueueItem<T> {
  const due = row.due as number | undefined
  const receipt = row.r as string | undefined
  const isProcessing = receipt !== undefined && due !== undefined && due > now
  const item: AtomicDbQueueItem<T> = {
    pk: row.pk,
    sk: row.sk,
    data: row.data as T,
    isProcessing,
    receiveCount: row.n as number,
    enqueuedAt: (row.enq as number | undefined) ?? (isUlid.test(row.sk) ? decodeTime(row.sk) : 0),
  }
  if (isProcessing) item.processingTimeout = due
  if (receipt !== undefined) item.receipt = receipt
  if (row.first !== undefined) item.firstReceivedAt = row.first as number
  if (row.ttl !== undefined) item.ttl = row.ttl
  if (row.p !== undefined) item.payloadKey = row.p as string
  if (row.g !== undefined) item.group = row.g as string
  if (row.why !== undefined) item.reason = row.why as string
  if (row.dl !== undefined) item.deadLetter = row.dl as AtomicDbDeadLetter
  return item
}

/** Can be given out at this moment. */
export const isReady = (row: Row, now: number): boolean =>
  isMessage(row) && isLive(row, Math.floor(now / 1000)) && !((row.due as number) > now)

export const ready = (now: number): Guard =>
  both({ op: 'exists', path: ['n'] }, live(Math.floor(now / 1000)), {
    op: 'or',
    of: [
      { op: 'absent', path: ['due'] },
      { op: 'lte', left: { path: ['due'] }, right: { value: now } },
    ],
  })

export const heldBy = (receipt: string): Guard => ({
  op: 'eq',
  left: { path: ['r'] },
  right: { value: receipt },
})

/** Deletes a message: with a receipt only while it is current. */
export function acknowledgeOperation(item: AtomicDbQueueItemKey): RowOperation & { op: 'delete' } {
  const key = { pk: item.pk, sk: item.sk }
  return item.receipt === undefined
    ? { op: 'delete', key }
    : { op: 'delete', key, guard: heldBy(item.receipt) }
}

/** Whole seconds, at most ten years. */
export function checkSeconds(value: unknown, field: string, least: number): number {
  if (!Number.isSafeInteger(value) || (value as number) < least || (value as number) > maxDurationMs / 1000)
    throw new InvalidInput(field, `must be a whole number of seconds from ${least}, at most 10 years`, {
      given: typeof value === 'number' ? String(value) : typeof value,
    })
  return value as number
}

export const checkCount = (value: unknown, field: string): number => wholeNumber(value, field, { min: 1 })
