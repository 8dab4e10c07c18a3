/** Rows as the reference implementation writes them: `data` is JSON as a text, or gzip of that as bytes. */
import { gunzipSync } from 'node:zlib'
import { InvalidInput } from '../errors.ts'
import { fromItem } from '../model/rows.ts'
import type { Row } from '../storage.ts'

/** What such a row is. */
export type ReferenceRow =
  | { is: 'item'; data: unknown; compressed: boolean }
  /** A message of its queue. */
  | { is: 'message' }
  /** Of another program: it has attributes that neither of the two writes. */
  | { is: 'foreign' }
  /** Its text or bytes are no JSON: a text of lockrow's, or of another program. */
  | { is: 'other' }
  /** It holds what lockrow cannot store. */
  | { is: 'refused'; why: string }

const known = new Set(['pk', 'sk', 'data', 'ttl'])
const ofMessages = ['isProcessing', 'processingTimeout']
/** Where it keeps its queues. */
const queuePrefix = '__FIFO__'
/** Far above what a row can hold of native types; a bomb ends here. */
const maxOutputLength = 16 * 2 ** 20

export function readReferenceRow(row: Row): ReferenceRow {
  if (row.pk.startsWith(queuePrefix) || ofMessages.some((name) => name in row)) return { is: 'message' }
  if (Object.keys(row).some((name) => !known.has(name))) return { is: 'foreign' }
  const compressed = row.data instanceof Uint8Array
  try {
    const data: unknown = JSON.parse(textOf(row.data as string | Uint8Array))
    // Only to be checked: `ttl` stays as it is.
    fromItem({ pk: row.pk, sk: row.sk, data })
    return { is: 'item', data, compressed }
  } catch (error) {
    if (error instanceof InvalidInput) return { is: 'refused', why: error.message }
    return { is: 'other' }
  }
}

const textOf = (data: string | Uint8Array): string =>
  typeof data === 'string'
    ? data
    : new TextDecoder('utf-8', { fatal: true }).decode(gunzipSync(data, { maxOutputLength }))
