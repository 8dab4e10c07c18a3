import {
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactGetItemsCommand,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { AtomicDbItemKey, CallOptions, ReadOptions } from '../interface.ts'
import type { Applied, FailedGuard, Page, Range, Row, RowOperation, RowWrite, Storage } from '../storage.ts'
import { type BatchContext, readBatches, writeBatches } from './batches.ts'
import { Expressions } from './expressions.ts'
import { type SdkError, toFault } from './faults.ts'
import { seal, sealedOptions, unseal } from './once.ts'
import { queryInput } from './query.ts'
import { decodeRow, encodeRow, type WireRow, wireKey } from './rows.ts'

/**
 * The same client (a document client too sends commands in DynamoDB's own form as they are), with the same middleware
 * and connections. With the SDK's own logger, which does nothing, it would still prepare a filtered copy of every
 * reply for it, at a third of the client's work on a query: that logger is left out, a real one is kept.
 */
function withoutIdleLogger(client: DynamoDBClient | DynamoDBDocumentClient): DynamoDBClient {
  const { logger } = client.config as { logger?: { info?: unknown } }
  const idle = /^(info)?\s*\([^)]*\)\s*\{\s*\}$/.test(String(logger?.info))
  if (!idle) return client as DynamoDBClient
  const config = { ...client.config, logger: silent }
  return Object.create(client, { config: { value: config } }) as DynamoDBClient
}

const nothing = (): void => {}
/** Without `info`: nothing is prepared for it. */
const silent = { trace: nothing, debug: nothing, warn: nothing, error: nothing }

/** Raw rows in a DynamoDB table, in DynamoDB's own form. */
export class DynamoStorage implements Storage {
  readonly #client: DynamoDBClient
  readonly #table: string
  readonly #batches: BatchContext

  constructor(
    client: DynamoDBClient | DynamoDBDocumentClient,
    table: string,
    batches: Pick<BatchContext, 'runtime' | 'retry'>,
  ) {
    this.#client = withoutIdleLogger(client)
    this.#table = table
    this.#batches = { ...batches, table, client: this.#client }
  }

  async #sent<T>(
    signal: AbortSignal | undefined,
    send: (options: { abortSignal?: AbortSignal } | undefined) => Promise<T>,
  ): Promise<T> {
    try {
      return await send(signal ? { abortSignal: signal } : undefined)
    } catch (error) {
      throw toFault(unseal(error), this.#table, signal)
    }
  }

  async read(
    keys: readonly AtomicDbItemKey[],
    { consistent = true, signal }: ReadOptions,
  ): Promise<(Row | undefined)[]> {
    if (keys.length !== 1) return readBatches(this.#batches, keys, consistent, signal)
    const command = new GetItemCommand({
      TableName: this.#table,
      Key: wireKey(keys[0]!),
      ConsistentRead: consistent,
    })
    const { Item } = await this.#sent(signal, (options) => this.#client.send(command, options))
    return [decodeRow(Item)]
  }

  async readTogether(
    keys: readonly AtomicDbItemKey[],
    { signal }: CallOptions,
  ): Promise<(Row | undefined)[]> {
    const command = new TransactGetItemsCommand({
      TransactItems: keys.map((key) => ({ Get: { TableName: this.#table, Key: wireKey(key) } })),
    })
    const { Responses = [] } = await this.#sent(signal, (options) => this.#client.send(command, options))
    return keys.map((_, i) => decodeRow(Responses[i]?.Item))
  }

  async page(range: Range, { consistent = true, signal }: ReadOptions): Promise<Page> {
    const input = queryInput(this.#table, range, consistent)
    const {
      Items = [],
      Count = 0,
      LastEvaluatedKey,
    } = await this.#sent(signal, (options) => this.#client.send(new QueryCommand(input), options))
    const page: Page = range.count
      ? { rows: [], count: Count }
      : { rows: Items.map((item) => decodeRow(item) as Row) }
    return LastEvaluatedKey ? { ...page, next: LastEvaluatedKey.sk!.S! } : page
  }

  async write(writes: readonly RowWrite[], { signal }: CallOptions): Promise<void> {
    const [first] = writes
    if (writes.length !== 1 || !first) return writeBatches(this.#batches, writes, signal)
    const TableName = this.#table
    if ('put' in first)
      await this.#sent(signal, (options) =>
        this.#client.send(new PutItemCommand({ TableName, Item: encodeRow(first.put) }), options),
      )
    else
      await this.#sent(signal, (options) =>
        this.#client.send(new DeleteItemCommand({ TableName, Key: wireKey(first.delete) }), options),
      )
  }

  async apply(operation: RowOperation, { signal }: CallOptions): Promise<Applied> {
    const input = {
      TableName: this.#table,
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
      ...compile(operation),
    }
    try {
      switch (operation.op) {
        case 'put': {
          const command = new PutItemCommand({ ...input, Item: encodeRow(operation.row) })
          if (operation.old) command.input.ReturnValues = 'ALL_OLD'
          const { Attributes } = await this.#client.send(seal(command), sealedOptions(signal))
          return operation.old
            ? { applied: true, old: decodeRow(Attributes) }
            : { applied: true, row: operation.row }
        }
        case 'update': {
          const command = new UpdateItemCommand({
            ...input,
            Key: wireKey(operation.key),
            ReturnValues: operation.old ? 'ALL_OLD' : 'ALL_NEW',
          })
          const { Attributes } = await this.#client.send(seal(command), sealedOptions(signal))
          return { applied: true, [operation.old ? 'old' : 'row']: decodeRow(Attributes) }
        }
        case 'delete': {
          const command = new DeleteItemCommand({ ...input, Key: wireKey(operation.key) })
          if (operation.old) command.input.ReturnValues = 'ALL_OLD'
          const { Attributes } = await this.#client.send(seal(command), sealedOptions(signal))
          return operation.old ? { applied: true, old: decodeRow(Attributes) } : { applied: true }
        }
        case 'check':
          throw new TypeError('a check stands in a transaction only')
      }
    } catch (given) {
      const error = unseal(given)
      if (error instanceof Error && error.name === 'ConditionalCheckFailedException') {
        return {
          applied: false,
          row: decodeRow((error as Error & { Item?: Parameters<typeof decodeRow>[0] }).Item),
        }
      }
      throw toFault(error, this.#table, signal)
    }
  }

  async transact(
    operations: readonly RowOperation[],
    token: string,
    { signal }: CallOptions,
  ): Promise<FailedGuard[]> {
    const command = new TransactWriteItemsCommand({
      ClientRequestToken: token,
      TransactItems: operations.map((operation) => this.#transactItem(operation)),
    })
    try {
      await this.#client.send(command, signal && { abortSignal: signal })
      return []
    } catch (error) {
      const failed = failedGuards(error as SdkError)
      if (failed.length > 0) return failed
      throw toFault(error, this.#table, signal)
    }
  }

  #transactItem(operation: RowOperation): TransactWriteItem {
    const base = {
      TableName: this.#table,
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
      ...compile(operation),
    }
    switch (operation.op) {
      case 'put':
        return { Put: { ...base, Item: encodeRow(operation.row) } }
      case 'update':
        return { Update: { ...base, UpdateExpression: base.UpdateExpression, Key: wireKey(operation.key) } }
      case 'delete':
        return { Delete: { ...base, Key: wireKey(operation.key) } }
      case 'check':
        return {
          ConditionCheck: {
            ...base,
            ConditionExpression: base.ConditionExpression,
            Key: wireKey(operation.key),
          },
        }
    }
  }
}

interface Compiled {
  ConditionExpression: string | undefined
  UpdateExpression: string | undefined
  ExpressionAttributeNames: Record<string, string> | undefined
  ExpressionAttributeValues: WireRow | undefined
}

function compile(operation: RowOperation): Compiled {
  const expressions = new Expressions()
  const compiled = {} as Compiled
  if (operation.op === 'update') compiled.UpdateExpression = expressions.update(operation.changes)
  if (operation.guard) compiled.ConditionExpression = expressions.condition(operation.guard)
  if (operation.guard || operation.op === 'update') compiled.ExpressionAttributeNames = expressions.names
  if (expressions.hasValues) compiled.ExpressionAttributeValues = expressions.values
  return compiled
}

function failedGuards(error: SdkError): FailedGuard[] {
  const reasons = error.name === 'TransactionCanceledException' ? (error.CancellationReasons ?? []) : []
  return reasons.flatMap(({ Code, Item }, index) =>
    Code === 'ConditionalCheckFailed' ? [{ index, row: decodeRow(Item) }] : [],
  )
}
