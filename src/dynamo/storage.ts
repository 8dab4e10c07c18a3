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
  type Scan,
  type ScanPage,
  type SingleOperation,
  type Storage,
  StorageFault,
} from '../storage.ts'
import { batchSizes, rowsOf, undoneWrites, writeRequest } from './batches.ts'
import { Expressions } from './expressions.ts'
import { type TransportError, toFault } from './faults.ts'
import { queryInput, scanInput } from './query.ts'
import type { Operation, Operations, TransactItem, Transport } from './transport.ts'

/** Raw rows in a DynamoDB table, in DynamoDB's own form. */
export class DynamoStorage implements Storage {
  readonly batchSizes = batchSizes
  readonly #transport: Transport
  readonly #table: string
  #keys: Promise<string> | undefined

  constructor(transport: Transport, table: string) {
    this.#transport = transport
    this.#table = table
  }

  /** For requests that cannot fail for a condition. */
  async #sent<O extends Operation>(
    operation: O,
    input: Operations[O]['input'],
    options: RequestOptions,
  ): Promise<Operations[O]['output']> {
    try {
      return await this.#transport.call(operation, input, options)
    } catch (error) {
      const fault = toFault(error, this.#table, options.signal)
      throw fault instanceof StorageFault && fault.kind === 'invalid' ? await this.#explained(fault) : fault
    }
  }

  /** Input was checked earlier, so a refusal means that the table has other keys. Asked once. */
  async #explained(fault: StorageFault): Promise<Error> {
    this.#keys ??= this.#transport.call('DescribeTable', { TableName: this.#table }, {}).then(
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
      const input = { TableName, Key: wireKey(keys[0]!), ConsistentRead }
      const { Item } = await this.#sent('GetItem', input, options)
      return [decodeRow(Item)]
    }
    const input = { RequestItems: { [TableName]: { Keys: keys.map(wireKey), ConsistentRead } } }
    return rowsOf(keys, await this.#sent('BatchGetItem', input, options), TableName)
  }

  async readTogether(
    keys: readonly AtomicDbItemKey[],
    options: RequestOptions,
  ): Promise<(Row | undefined)[]> {
    const input = {
      TransactItems: keys.map((key) => ({ Get: { TableName: this.#table, Key: wireKey(key) } })),
    }
    const { Responses = [] } = await this.#sent('TransactGetItems', input, options)
    return keys.map((_, i) => decodeRow(Responses[i]?.Item))
  }

  async page(range: Range, options: ReadRequestOptions): Promise<Page> {
    const input = queryInput(this.#table, range, options.consistent ?? true)
    const { Items = [], Rows, Count = 0, LastEvaluatedKey } = await this.#sent('Query', input, options)
    const page: Page = range.count
      ? { rows: [], count: Count }
      : { rows: Rows ?? Items.map((item) => decodeRow(item) as Row) }
    return LastEvaluatedKey ? { ...page, next: LastEvaluatedKey.sk!.S! } : page
  }

  async scan(scan: Scan, options: ReadRequestOptions): Promise<ScanPage> {
    const input = scanInput(this.#table, scan, options.consistent ?? true)
    const { Items = [], Rows, ScannedCount = 0, LastEvaluatedKey } = await this.#sent('Scan', input, options)
    const page: ScanPage = {
      rows: Rows ?? Items.map((item) => decodeRow(item) as Row),
      scanned: ScannedCount,
    }
    return LastEvaluatedKey
      ? { ...page, next: { pk: LastEvaluatedKey.pk!.S!, sk: LastEvaluatedKey.sk!.S! } }
      : page
  }

  async write(writes: readonly RowWrite[], options: RequestOptions): Promise<readonly RowWrite[]> {
    const TableName = this.#table
    const [first] = writes
    if (writes.length !== 1 || !first) {
      const input = { RequestItems: { [TableName]: writes.map(writeRequest) } }
      return undoneWrites(writes, await this.#sent('BatchWriteItem', input, options), TableName)
    }
    if ('put' in first) await this.#sent('PutItem', { TableName, Item: encodeRow(first.put) }, options)
    else await this.#sent('DeleteItem', { TableName, Key: wireKey(first.delete) }, options)
    return []
  }

  async apply(operation: SingleOperation, options: RequestOptions): Promise<Applied> {
    try {
      return await this.#applied(operation, options)
    } catch (error) {
      if (error instanceof Error && error.name === 'ConditionalCheckFailedException')
        return { applied: false, row: decodeRow((error as TransportError).Item) }
      throw toFault(error, this.#table, options.signal)
    }
  }

  async #applied(operation: SingleOperation, options: RequestOptions): Promise<Applied> {
    const input = { ...this.#guarded(operation), ReturnValues: returned(operation) }
    switch (operation.op) {
      case 'put': {
        const put = { ...input, Item: encodeRow(operation.row) }
        const { Attributes } = await this.#transport.call('PutItem', put, options)
        return operation.old
          ? { applied: true, old: decodeRow(Attributes) }
          : { applied: true, row: operation.row }
      }
      case 'update': {
        const update = { ...input, Key: wireKey(operation.key) }
        const { Attributes } = await this.#transport.call('UpdateItem', update, options)
        return { applied: true, [operation.old ? 'old' : 'row']: decodeRow(Attributes) }
      }
      case 'delete': {
        const deletion = { ...input, Key: wireKey(operation.key) }
        const { Attributes } = await this.#transport.call('DeleteItem', deletion, options)
        return operation.old ? { applied: true, old: decodeRow(Attributes) } : { applied: true }
      }
    }
  }

  async transact(
    operations: readonly RowOperation[],
    token: string,
    options: RequestOptions,
  ): Promise<FailedGuard[]> {
    const input = {
      ClientRequestToken: token,
      TransactItems: operations.map((operation) => this.#transactItem(operation)),
    }
    try {
      await this.#transport.call('TransactWriteItems', input, options)
      return []
    } catch (error) {
      const failed = failedGuards(error as TransportError)
      if (failed.length > 0) return failed
      throw toFault(error, this.#table, options.signal)
    }
  }

  #guarded(operation: RowOperation) {
    return {
      TableName: this.#table,
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
      ...compile(operation),
    }
  }

  #transactItem(operation: RowOperation): TransactItem {
    const base = this.#guarded(operation)
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

/** Which form of the row a single operation gives back. */
function returned({ op, old }: SingleOperation): 'ALL_OLD' | 'ALL_NEW' | undefined {
  if (old) return 'ALL_OLD'
  return op === 'update' ? 'ALL_NEW' : undefined
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

function failedGuards(error: TransportError): FailedGuard[] {
  const reasons = error.name === 'TransactionCanceledException' ? (error.CancellationReasons ?? []) : []
  return reasons.flatMap(({ Code, Item }, index) =>
    Code === 'ConditionalCheckFailed' ? [{ index, row: decodeRow(Item) }] : [],
  )
}
