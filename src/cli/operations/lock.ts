import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { decodeTime, isValid } from 'ulid'
import { inCall } from '../../engine/call.ts'
import { newContext } from '../../engine/context.ts'
import { checkKey, lockKey } from '../../engine/keys.ts'
import { readRows } from '../../engine/requests.ts'
import type { AtomicDbItemKey, AtomicDbItemLock } from '../../interface.ts'
import { checkCallOptions } from '../../model/option-names.ts'
import { systemRuntime } from '../../runtime.ts'

export interface ShownLock extends AtomicDbItemLock {
  /** When it was made or last written, epoch ms. */
  writtenAt: number
}

/** The lock of an item as it lies there. Not `getLock`, which makes the one that is missing. */
export async function readLock(
  client: DynamoDBClient,
  table: string,
  item: AtomicDbItemKey,
  options: { exact: boolean; signal: AbortSignal },
): Promise<ShownLock | undefined> {
  checkKey(item)
  const key = options.exact ? item : lockKey(item)
  // Not before it is needed: without the AWS SDK the rest must work.
  const { DynamoStorage } = await import('../../dynamo/storage.ts')
  const database = newContext(new DynamoStorage(client, table), {})
  const [row] = await inCall(database, checkCallOptions, { signal: options.signal }, (context) =>
    readRows(context, [key]),
  )
  const version = row?.version
  const ttl = row?.ttl
  // Markers of the library have a version too, but no ULID, or data.
  if (typeof version !== 'string' || !isValid(version) || ttl === undefined || row?.data !== undefined)
    return undefined
  if (ttl <= systemRuntime.now() / 1000) return undefined
  return { ...key, version, ttl, writtenAt: decodeTime(version) }
}
