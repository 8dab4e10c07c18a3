import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  type DynamoDBClient,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb'
import { keyText } from '../engine/keys.ts'
import { backoff, type RetryOptions } from '../engine/retry.ts'
import { PartialWrite } from '../errors.ts'
import type { AtomicDbItemKey } from '../interface.ts'
import type { Runtime } from '../runtime.ts'
import { type Row, type RowWrite, StorageFault } from '../storage.ts'
import { toFault } from './faults.ts'
import { decodeRow, encodeRow, type WireRow, wireKey } from './rows.ts'

/** Batches of any size: DynamoDB takes 25 writes or 100 keys at once, and may leave some of them undone. */
export interface BatchContext {
  client: DynamoDBClient
  table: string
  runtime: Runtime
  retry: RetryOptions
}

const writesAtOnce = 25
const readsAtOnce = 100
const requestsAtOnce = 4

const toRequest = (write: RowWrite): WriteRequest =>
  'put' in write
    ? { PutRequest: { Item: encodeRow(write.put) } }
    : { DeleteRequest: { Key: wireKey(write.delete) } }

const keyIn = (row: WireRow): AtomicDbItemKey => ({ pk: row.pk!.S!, sk: row.sk!.S! })

const keyOf = (request: WriteRequest): AtomicDbItemKey => {
  const row = request.PutRequest?.Item ?? request.DeleteRequest?.Key
  return keyIn(row!)
}

export async function writeBatches(
  context: BatchContext,
  writes: readonly RowWrite[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const pending = writes.map(toRequest)
  const inFlight = new Set<WriteRequest[]>()
  try {
    await drain(context, pending, inFlight, writesAtOnce, signal, async (requests) => {
      const command = new BatchWriteItemCommand({ RequestItems: { [context.table]: requests } })
      const { UnprocessedItems } = await context.client.send(command, signal && { abortSignal: signal })
      return UnprocessedItems?.[context.table] ?? []
    })
  } catch (error) {
    const rest = [...pending, ...[...inFlight].flat()].map(keyOf)
    if (signal?.aborted && rest.length === writes.length) throw error
    throw new PartialWrite(
      `${rest.length} of ${writes.length} rows were not (certainly) written: write those in 'keys' again`,
      { keys: rest, cause: error },
    )
  }
}

export async function readBatches(
  context: BatchContext,
  keys: readonly AtomicDbItemKey[],
  consistent: boolean,
  signal: AbortSignal | undefined,
): Promise<(Row | undefined)[]> {
  const found = new Map<string, Row>()
  await drain(context, keys.slice(), new Set(), readsAtOnce, signal, async (some) => {
    const command = new BatchGetItemCommand({
      RequestItems: { [context.table]: { Keys: some.map(wireKey), ConsistentRead: consistent } },
    })
    const { Responses, UnprocessedKeys } = await context.client.send(
      command,
      signal && { abortSignal: signal },
    )
    for (const item of Responses?.[context.table] ?? []) {
      const row = decodeRow(item) as Row
      found.set(keyText(row), row)
    }
    return (UnprocessedKeys?.[context.table]?.Keys ?? []).map(keyIn)
  })
  return keys.map((key) => found.get(keyText(key)))
}

/**
 * Sends what is pending, a few requests at a time, until nothing is left undone. A request that got nowhere waits
 * (full jitter); any progress starts the count of tries anew.
 */
async function drain<T>(
  context: BatchContext,
  pending: T[],
  inFlight: Set<T[]>,
  size: number,
  signal: AbortSignal | undefined,
  send: (some: T[]) => Promise<T[]>,
): Promise<void> {
  let stopped = false
  const worker = async () => {
    for (let attempt = 0; pending.length > 0 && !stopped; ) {
      const some = pending.splice(0, size)
      inFlight.add(some)
      const { undone, fault } = await sent(context, some, signal, send)
      if (undone.length < some.length) attempt = 0
      else if (++attempt >= (context.retry.attempts ?? 10))
        throw fault ?? new StorageFault('throttled', 'left undone again and again')
      inFlight.delete(some)
      pending.push(...undone)
      if (undone.length > 0) await backoff(context.runtime, attempt + 1, context.retry, signal)
    }
  }
  const workers = Array.from(
    { length: Math.min(requestsAtOnce, Math.ceil(pending.length / size)) },
    async () => {
      try {
        await worker()
      } catch (error) {
        stopped = true
        throw error
      }
    },
  )
  const failed = (await Promise.allSettled(workers)).find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
}

/** One request; refused or without a reply, all of it is undone. */
async function sent<T>(
  context: BatchContext,
  some: T[],
  signal: AbortSignal | undefined,
  send: (some: T[]) => Promise<T[]>,
): Promise<{ undone: T[]; fault?: StorageFault }> {
  try {
    return { undone: await send(some) }
  } catch (error) {
    const fault = toFault(error, context.table, signal)
    if (!(fault instanceof StorageFault) || fault.kind === 'invalid') throw fault
    return { undone: some, fault }
  }
}
