import { decodeTime } from 'ulid'
import { InvalidInput } from '../../errors.ts'
import type { AtomicDbItemKey, AtomicDbQueueItem, AtomicDbQueueItemInput } from '../../interface.ts'
import type { Guard, Row, RowOperation } from '../../storage.ts'
import type { Context } from '../context.ts'
import { checkPk } from '../keys.ts'
import { fromItem } from '../rows.ts'

/**
 * The row of a message, beside pk (the queue), sk, data and ttl:
 * `n` how often it was received (its mark, 0 at first), `due` epoch ms before which it is not given out,
 * `r` the receipt of who has it, `first` epoch ms of its first receipt, `enq` epoch ms of its push where sk is the caller's.
 */
export interface NewMessage {
  row: Row
  item: AtomicDbQueueItem
}

export function newMessage(context: Context, input: AtomicDbQueueItemInput, field: string): NewMessage {
  checkPk(input?.pk, field === '' ? 'pk' : `${field}.pk`)
  const row = fromItem({ ...input, sk: input.sk ?? context.ulid() }, field)
  row.n = 0
  if (input.sk !== undefined) row.enq = context.runtime.now()
  return { row, item: toMessage(row, context.runtime.now()) }
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
  return item
}

export const heldBy = (receipt: string): Guard => ({
  op: 'eq',
  left: { path: ['r'] },
  right: { value: receipt },
})

/** Deletes a message: with a receipt only while it is current. */
export function acknowledgeOperation(item: AtomicDbItemKey & { receipt?: string }): RowOperation {
  const key = { pk: item.pk, sk: item.sk }
  return item.receipt === undefined
    ? { op: 'delete', key }
    : { op: 'delete', key, guard: heldBy(item.receipt) }
}

export function checkSeconds(value: unknown, field: string, least: number): number {
  if (!Number.isSafeInteger(value) || (value as number) < least) {
    throw new InvalidInput(field, `must be a whole number of seconds from ${least}`, { given: String(value) })
  }
  return value as number
}
