import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import {
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  type QueryCommandInput,
  TransactGetCommand,
  TransactWriteCommand,
  type TransactWriteCommandInput,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb'
import type { AtomicDbItemKey, CallOptions, ReadOptions } from '../interface.ts'
import type { Applied, FailedGuard, Page, Range, Row, RowOperation, RowWrite, Storage } from '../storage.ts'
import { type BatchContext, readBatches, writeBatches } from './batches.ts'
import { Expressions } from './expressions.ts'
import { type SdkError, toFault } from './faults.ts'
import { seal, unseal } from './once.ts'
import { decodeRow, forClient, translation } from './rows.ts'

type TransactItem = NonNullable<TransactWriteCommandInput['TransactItems']>[number]

/** Raw rows in a DynamoDB table, by the document client. */
export class DynamoStorage implements Storage {
  readonly #client: DynamoDBDocumentClient
  readonly #table: string
  readonly #batches: BatchContext

  constructor(
    client: DynamoDBClient | DynamoDBDocumentClient,
    table: string,
    batches: Pick<BatchContext, 'runtime' | 'retry'>,
  ) {
    // A document client writes its settings into the configuration of the client that it is made from: give it a copy.
    const own = Object.create(client, { config: { value: { ...client.config } } }) as DynamoDBClient
    this.#client = DynamoDBDocumentClient.from(own, translation)
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
    const command = new GetCommand({ TableName: this.#table, Key: keys[0]!, ConsistentRead: consistent })
    const { Item } = await this.#sent(signal, (options) => this.#client.send(command, options))
    return [Item as Row | undefined]
  }

  async readTogether(
    keys: readonly AtomicDbItemKey[],
    { signal }: CallOptions,
  ): Promise<(Row | undefined)[]> {
    const command = new TransactGetCommand({
      TransactItems: keys.map((Key) => ({ Get: { TableName: this.#table, Key } })),
    })
    const { Responses = [] } = await this.#sent(signal, (options) => this.#client.send(command, options))
    return keys.map((_, i) => Responses[i]?.Item as Row | undefined)
  }

  async page(range: Range, { consistent = true, signal }: ReadOptions): Promise<Page> {
    const input: QueryCommandInput = {
      TableName: this.#table,
      KeyConditionExpression: range.prefix === undefined ? '#p = :p' : '#p = :p AND begins_with(#s, :s)',
      ExpressionAttributeNames: range.prefix === undefined ? { '#p': 'pk' } : { '#p': 'pk', '#s': 'sk' },
      ExpressionAttributeValues:
        range.prefix === undefined ? { ':p': range.pk } : { ':p': range.pk, ':s': range.prefix },
      ConsistentRead: consistent,
    }
    if (range.reverse) input.ScanIndexForward = false
    if (range.limit !== undefined) input.Limit = range.limit
    if (range.after !== undefined) input.ExclusiveStartKey = { pk: range.pk, sk: range.after }
    const { Items = [], LastEvaluatedKey } = await this.#sent(signal, (options) =>
      this.#client.send(new QueryCommand(input), options),
    )
    return LastEvaluatedKey
      ? { rows: Items as Row[], next: LastEvaluatedKey.sk as string }
      : { rows: Items as Row[] }
  }

  async write(writes: readonly RowWrite[], { signal }: CallOptions): Promise<void> {
    const [first] = writes
    if (writes.length !== 1 || !first) return writeBatches(this.#batches, writes, signal)
    const TableName = this.#table
    if ('put' in first)
      await this.#sent(signal, (options) =>
        this.#client.send(new PutCommand({ TableName, Item: forClient(first.put) }), options),
      )
    else
      await this.#sent(signal, (options) =>
        this.#client.send(new DeleteCommand({ TableName, Key: first.delete }), options),
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
          const command = new PutCommand({ ...input, Item: forClient(operation.row) })
          await this.#client.send(seal(command), signal && { abortSignal: signal })
          return { applied: true, row: operation.row }
        }
        case 'update': {
          const command = new UpdateCommand({ ...input, Key: operation.key, ReturnValues: 'ALL_NEW' })
          const { Attributes } = await this.#client.send(seal(command), signal && { abortSignal: signal })
          return { applied: true, row: Attributes as Row }
        }
        case 'delete': {
          const command = new DeleteCommand({ ...input, Key: operation.key })
          await this.#client.send(seal(command), signal && { abortSignal: signal })
          return { applied: true }
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
    const command = new TransactWriteCommand({
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

  #transactItem(operation: RowOperation): TransactItem {
    const base = {
      TableName: this.#table,
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
      ...compile(operation),
    }
    switch (operation.op) {
      case 'put':
        return { Put: { ...base, Item: forClient(operation.row) } }
      case 'update':
        return { Update: { ...base, UpdateExpression: base.UpdateExpression, Key: operation.key } }
      case 'delete':
        return { Delete: { ...base, Key: operation.key } }
      case 'check':
        return {
          ConditionCheck: { ...base, ConditionExpression: base.ConditionExpression, Key: operation.key },
        }
    }
  }
}

interface Compiled {
  ConditionExpression: string | undefined
  UpdateExpression: string | undefined
  ExpressionAttributeNames: Record<string, string> | undefined
  ExpressionAttributeValues: Record<string, unknown> | undefined
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
