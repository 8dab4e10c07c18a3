import { randomUUID } from 'node:crypto'
import type { AtomicDbItemKey } from '../interface.ts'
import { isNumeric } from '../model/numbers.ts'
import type { Row, RowWrite } from '../storage.ts'
import { rowToJson } from '../stores/row-json.ts'
import { encodeKey, longKeyOf, partitionOf } from './names.ts'

/** A key as the columns hold it. */
export interface StoredKey {
  readonly pk: string
  readonly sk: string
  /** Both in one, and the order in which rows are locked: the same in every process. */
  readonly id: string
}

export function storedKey(key: AtomicDbItemKey): StoredKey {
  const pk = partitionOf(key.pk)
  const sk = encodeKey(key.sk)
  return { pk, sk, id: `${pk}\0${sk}` }
}

/** What a write relies on: a version, that there is no row, or nothing. */
export type Expected = string | 'absent' | 'any'

/** One row of a statement that writes: what it relies on, and what becomes of it. */
export interface Entry {
  readonly key: StoredKey
  readonly expected: Expected
  /** The new row; nothing to delete it. A row that is only looked at `stays`. */
  readonly row?: NewRow
  readonly stays?: boolean
}

/** A row on its way into the table. */
export interface NewRow {
  readonly text: string
  readonly ver: string
  readonly ttl: number | null
  readonly longPk: string | null
}

export function newRow(row: Row, key: StoredKey): NewRow {
  return {
    text: rowToJson(row),
    ver: randomUUID(),
    ttl: expiryOf(row),
    longPk: longKeyOf(row.pk, key.pk),
  }
}

/** The entry of a write that asks for nothing. */
export function blindEntry(write: RowWrite): Entry {
  if ('delete' in write) return { key: storedKey(write.delete), expected: 'any' }
  const key = storedKey(write.put)
  return { key, expected: 'any', row: newRow(write.put, key) }
}

/** In the order in which every statement locks them. */
export const inOrder = (entries: readonly Entry[]): Entry[] =>
  [...entries].sort((a, b) => (a.key.id < b.key.id ? -1 : 1))

/** When the sweep may look at a row, epoch seconds; nothing where it never expires. */
function expiryOf({ ttl }: Row): number | null {
  if (!isNumeric(ttl)) return null
  const seconds = Math.ceil(Number(ttl))
  return Number.isSafeInteger(seconds) ? seconds : null
}
