import type { AtomicDbItemKey } from '../interface.ts'
import { valueBytes } from '../model/sizes.ts'
import type { Row } from '../storage.ts'
import type { Entry, Value } from './entry.ts'
import { hasLock } from './operations.ts'

/** DynamoDB's limits of one transaction. */
export const maxRows = 100
export const maxBytes = 4 * 1024 * 1024

/** Names, expiry and the engine's own attributes of a row. */
const overhead = 300

/** 1 row for each item, and 1 for the lock of each that is written. */
export function rowsOf(entries: Iterable<Entry>, locks: boolean): number {
  let rows = 0
  for (const { key, writes } of entries) rows += locks && writes > 0 && hasLock(key) ? 2 : 1
  return rows
}

const dataBytes = (value: Value | undefined): number =>
  value?.item?.data === undefined ? 0 : valueBytes(value.item.data)

const keyBytes = ({ pk, sk }: AtomicDbItemKey): number => Buffer.byteLength(pk) + Buffer.byteLength(sk)

/** What is compared and what is written. */
export function bytesOf(entries: Iterable<Entry>): number {
  let bytes = 0
  for (const { key, base, value, writes } of entries) {
    bytes += dataBytes(base) + keyBytes(key) + overhead
    if (writes > 0) bytes += dataBytes(value) + keyBytes(key) + overhead
  }
  return bytes
}

export const messageBytes = (row: Row): number =>
  (row.data === undefined ? 0 : valueBytes(row.data)) + keyBytes(row) + overhead
