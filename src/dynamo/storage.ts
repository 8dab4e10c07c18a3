import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DeleteItemCommand,
  DescribeTableCommand,
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
import { BackendError } from '../errors.ts'
import type { AtomicDbItemKey } from '../interface.ts'
import { decodeRow, encodeRow, type WireRow, wireKey } from '../model/attribute-values.ts'
import {
  type Applied,
  type FailedGuard,
  type leftUndone,
  type Page,
  type Range,
  type ReadRequestOptions,
  type RequestOptions,
  type Row,
  type RowOperation,
  type RowWrite,
  type SingleOperation,
  type Storage,
  StorageFault,
} from '../storage.ts'
import { batchSizes, rowsOf, undoneWrites, writeRequest } from './batches.ts'
import { Expressions } from './expressions.ts'
import { type SdkError, toFault } from './faults.ts'
import { type Send, sender } from './no-sdk-retry.ts'
import { queryInput } from './query.ts'

/** Raw rows in a DynamoDB table, in DynamoDB's own form. */
export class DynamoStorage implements Storage {
  readonly batchSizes = batchSizes
  readonly #send: Send
  readonly #table: string
  #keys: Promise<string> | undefined

  constructor(client: DynamoDBClient | DynamoDBDocumentClient, table: string) {
    this.#send = sender(client)
    this.#table = table
  }

  /** For requests that cannot fail for a condition. */
  async #sent<T>(options: RequestOptions, reply: Promise<T>): Promise<T> {
    try {
      return await reply
    } catch (error) {
      const fault = toFault(error, this.#table, options.signal)
      throw fault instanceof StorageFault && fault.kind === 'invalid' ? await this.#explained(fault) : fault
    }
  }

  /** Input was checked earlier, so a refusal means that the table has other keys. Asked once. */
  async #explained(fault: StorageFault): Promise<Error> {
    this.#keys ??= this.#send(new DescribeTableCommand({ TableName: this.#table }), {}).then(
      ({ Table }) => (Table?.KeySchema ?? []).map(({ AttributeName }) => AttributeName).join(' and '),
      () => 'pk and sk',
    )
    const keys = await this.#keys
    if (keys === 'pk and sk') return fault
    const message = `the table '${this.#table}' has the keys ${keys}: lockrow needs pk and sk, see createTable and AtomicTable`
    return new BackendError(message, { cause: fault.cause })
  }

  async read(
    keys: readonly AtomicDbItemKey[],
    options: ReadRequestOptions,
  ): Promise<(Row | undefined | typeof leftUndone)[]> {
    const TableName = this.#table
    const { consistent: ConsistentRead = true } = options
    if (keys.length === 1) {
      const command = new GetItemCommand({ TableName, Key: wireKey(keys[0]!), ConsistentRead })
      const { Item } = await this.#sent(options, this.#send(command, options))
      return [decodeRow(Item)]
    }
    const command = new BatchGetItemCommand({
      RequestItems: { [TableName]: { Keys: keys.map(wireKey), ConsistentRead } },
    })
    return rowsOf(keys, await this.#sent(options, this.#send(command, options)), TableName)
  }

  async readTogether(
    keys: readonly AtomicDbItemKey[],
    options: RequestOptions,
  ): Promise<(Row | undefined)[]> {
    const command = new TransactGetItemsCommand({
      TransactItems: keys.map((key) => ({ Get: { TableName: this.#table, Key: wireKey(key) } })),
    })
    const { Responses = [] } = await this.#sent(options, this.#send(command, options))
    return keys.map((_, i) => decodeRow(Responses[i]?.Item))
  }

  async page(range: Range, options: ReadRequestOptions): Promise<Page> {
    const command = new QueryCommand(queryInput(this.#table, range, options.consistent ?? true))
    const {
      Items = [],
      Count = 0,
      LastEvaluatedKey,
    } = await this.#sent(options, this.#send(command, options))
    const page: Page = range.count
      ? { rows: [], count: Count }
      : { rows: Items.map((item) => decodeRow(item) as Row) }
    return LastEvaluatedKey ? { ...page, next: LastEvaluatedKey.sk!.S! } : page
  }

  async write(writes: readonly RowWrite[], options: RequestOptions): Promise<readonly RowWrite[]> {
    const TableName = this.#table
    const [first] = writes
    if (writes.length !== 1 || !first) {
      const command = new BatchWriteItemCommand({ RequestItems: { [TableName]: writes.map(writeRequest) } })
      return undoneWrites(writes, await this.#sent(options, this.#send(command, options)), TableName)
    }
    if ('put' in first) {
      const command = new PutItemCommand({ TableName, Item: encodeRow(first.put) })
      await this.#sent(options, this.#send(command, options))
    } else {
      const command = new DeleteItemCommand({ TableName, Key: wireKey(first.delete) })
      await this.#sent(options, this.#send(command, options))
    }
    return []
  }

  async apply(operation: SingleOperation, options: RequestOptions): Promise<Applied> {
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
          const { Attributes } = await this.#send(command, options)
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
          const { Attributes } = await this.#send(command, options)
          return { applied: true, [operation.old ? 'old' : 'row']: decodeRow(Attributes) }
        }
        case 'delete': {
          const command = new DeleteItemCommand({ ...input, Key: wireKey(operation.key) })
          if (operation.old) command.input.ReturnValues = 'ALL_OLD'
          const { Attributes } = await this.#send(command, options)
          return operation.old ? { applied: true, old: decodeRow(Attributes) } : { applied: true }
        }
      }
    } catch (error) {
      if (error instanceof Error && error.name === 'ConditionalCheckFailedException') {
        return {
          applied: false,
          row: decodeRow((error as Error & { Item?: Parameters<typeof decodeRow>[0] }).Item),
        }
      }
      throw toFault(error, this.#table, options.signal)
    }
  }

  async transact(
    operations: readonly RowOperation[],
    token: string,
    options: RequestOptions,
  ): Promise<FailedGuard[]> {
    const command = new TransactWriteItemsCommand({
      ClientRequestToken: token,
      TransactItems: operations.map((operation) => this.#transactItem(operation)),
    })
    try {
      await this.#send(command, options)
      return []
    } catch (error) {
      const failed = failedGuards(error as SdkError)
      if (failed.length > 0) return failed
      throw toFault(error, this.#table, options.signal)
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
