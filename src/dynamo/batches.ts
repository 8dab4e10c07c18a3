import type { AtomicDbItemKey } from '../interface.ts'
import { decodeRow, encodeRow, type ReadRow, wireKey } from '../model/attribute-values.ts'
import { keyText } from '../model/keys.ts'
import { leftUndone, type Row, type RowWrite } from '../storage.ts'
import type { Operations, WriteRequest } from './transport.ts'

/** The forms of BatchGetItem and BatchWriteItem, either of which may leave some of what it is asked undone. */

export const batchSizes = { read: 100, write: 25 }

export const writeRequest = (write: RowWrite): WriteRequest =>
  'put' in write
    ? { PutRequest: { Item: encodeRow(write.put) } }
    : { DeleteRequest: { Key: wireKey(write.delete) } }

const keyIn = (row: ReadRow): AtomicDbItemKey => ({ pk: row.pk!.S!, sk: row.sk!.S! })

/** Those of `writes` that the reply names as undone. */
export function undoneWrites(
  writes: readonly RowWrite[],
  { UnprocessedItems }: Operations['BatchWriteItem']['output'],
  table: string,
): readonly RowWrite[] {
  const requests = UnprocessedItems?.[table]
  if (!requests || requests.length === 0) return []
  const undone = new Set(
    requests.map(({ PutRequest, DeleteRequest }) =>
      keyText(keyIn((PutRequest?.Item ?? DeleteRequest?.Key)!)),
    ),
  )
  return writes.filter((one) => undone.has(keyText('put' in one ? one.put : one.delete)))
}

/** The rows of a reply in the order of `keys`. */
export function rowsOf(
  keys: readonly AtomicDbItemKey[],
  { Responses, Rows, UnprocessedKeys }: Operations['BatchGetItem']['output'],
  table: string,
): (Row | undefined | typeof leftUndone)[] {
  const found = new Map<string, Row | typeof leftUndone>()
  const rows = Rows ?? (Responses?.[table] ?? []).map((item) => decodeRow(item) as Row)
  for (const row of rows) found.set(keyText(row), row)
  for (const key of UnprocessedKeys?.[table]?.Keys ?? []) found.set(keyText(keyIn(key)), leftUndone)
  return keys.map((key) => found.get(keyText(key)))
}
