import { InvalidInput } from '../errors.ts'
import type { AtomicDbItem, AtomicDbItemInput, AtomicDbItemLock } from '../interface.ts'
import type { Row } from '../storage.ts'
import { checkedCopy } from './checked-copy.ts'
import { isLive } from './expiry.ts'
import { checkItemNames } from './item-names.ts'
import { checkPkAndSk } from './keys.ts'
import { checkTtl } from './parse-changes.ts'
import { fitsOneRow, maxItemBytes, rowBytes } from './sizes.ts'
import { carryExact } from './wire.ts'

/**
 * The rows of the table. All have pk, sk and perhaps ttl.
 * - item: `data`, and `w`, the id of the update that wrote it last
 * - lock: `version`; also rows that only the engine reads, which hides them from queries in the same way
 * - message: `n`, how often it was received (its mark), with `due`, `r`, ... (see message-row.ts)
 */

/** Whether a row is an item for the callers at this moment. */
export const isItem = (row: Row | undefined, now: number): row is Row =>
  isLive(row, now) && row.version === undefined

export function toItem<T>(row: Row): AtomicDbItem<T> {
  const item: AtomicDbItem<T> = { pk: row.pk, sk: row.sk, data: row.data as T }
  // Another program may have written something else, or a fraction of a second.
  if (typeof row.ttl === 'number') item.ttl = Math.ceil(row.ttl)
  return carryExact(row, item)
}

export const itemOrNone = <T>(row: Row | undefined, now: number): AtomicDbItem<T> | undefined =>
  isItem(row, now) ? toItem<T>(row) : undefined

export const toLock = (row: Row): AtomicDbItemLock => ({
  pk: row.pk,
  sk: row.sk,
  version: row.version as string,
  ttl: row.ttl!,
})

/** Either kind of row, for errors. */
export const toCurrent = (row: Row | undefined, now: number): AtomicDbItem | AtomicDbItemLock | undefined =>
  isLive(row, now) ? (row.version === undefined ? toItem(row) : toLock(row)) : undefined

/** The row of an item that a caller gave, checked and copied. `field` names it in errors. */
export function fromItem(item: AtomicDbItemInput, field = ''): Row {
  checkPkAndSk(item, field)
  checkItemNames(item, field)
  const at = field === '' ? '' : `${field}.`
  const row: Row = { pk: item.pk, sk: item.sk }
  if (item.data !== undefined) row.data = checkedCopy(item.data, `${at}data`)
  if (item.ttl !== undefined) row.ttl = checkTtl(item.ttl, `${at}ttl`)
  checkSize(row, field)
  return row
}

export function checkSize(row: Row, field: string): void {
  if (!fitsOneRow(row)) {
    throw new InvalidInput(field || 'item', `must be at most ${maxItemBytes} bytes with its key and names`, {
      limit: maxItemBytes,
      given: `${rowBytes(row)} bytes`,
      keys: [{ pk: row.pk, sk: row.sk }],
    })
  }
}

export const asList = <T>(given: T | readonly T[]): readonly T[] =>
  Array.isArray(given) ? given : [given as T]
