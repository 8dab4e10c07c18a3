import type { ReadRow, WireRow } from '../model/attribute-values.ts'
import type { RequestOptions, Row } from '../storage.ts'

/**
 * How requests reach DynamoDB: the name of an operation and its input in the service's own form, its output in the same
 * form. One call is one request: nothing below repeats it. `sdk-transport.ts` is made of the AWS SDK, `lockrow/direct`
 * of requests of its own.
 *
 * It rejects with an error that has the service's name for it (`ConditionalCheckFailedException`) and its fields, or
 * with what went wrong on the way; `trail.ts` knows how far the request came. `faults.ts` decides on either.
 */
export interface Transport {
  call<O extends Operation>(
    operation: O,
    input: Operations[O]['input'],
    options: RequestOptions,
  ): Promise<Operations[O]['output']>
}

/** The operations that a database needs. */
export interface Operations {
  GetItem: { input: Keyed & { ConsistentRead?: boolean }; output: { Item?: ReadRow } }
  BatchGetItem: {
    input: { RequestItems: Record<string, { Keys: WireRow[]; ConsistentRead?: boolean }> }
    /** `Rows` in place of `Responses`: the same, decoded. */
    output: {
      Responses?: Record<string, ReadRow[]>
      Rows?: Row[]
      UnprocessedKeys?: Record<string, { Keys?: ReadRow[] | undefined }>
    }
  }
  TransactGetItems: {
    input: { TransactItems: { Get: Keyed }[] }
    output: { Responses?: { Item?: ReadRow }[] }
  }
  Query: {
    input: QueryInput
    /** `Rows` in place of `Items`: the same, decoded. */
    output: { Items?: ReadRow[]; Rows?: Row[]; Count?: number; LastEvaluatedKey?: ReadRow }
  }
  Scan: {
    input: ScanInput
    /** `Rows` in place of `Items`: the same, decoded. */
    output: { Items?: ReadRow[]; Rows?: Row[]; ScannedCount?: number; LastEvaluatedKey?: ReadRow }
  }
  PutItem: { input: Guarded & { Item: WireRow }; output: Attributes }
  UpdateItem: { input: Guarded & { Key: WireRow; UpdateExpression?: string }; output: Attributes }
  DeleteItem: { input: Guarded & { Key: WireRow }; output: Attributes }
  BatchWriteItem: {
    input: { RequestItems: Record<string, WriteRequest[]> }
    output: { UnprocessedItems?: Record<string, ReadWriteRequest[]> }
  }
  TransactWriteItems: {
    input: { ClientRequestToken: string; TransactItems: TransactItem[] }
    output: object
  }
  DescribeTable: {
    input: { TableName: string }
    output: { Table?: { KeySchema?: { AttributeName?: string }[] } }
  }
}

/** The name of an operation. */
export type Operation = keyof Operations

interface Keyed {
  TableName: string
  Key: WireRow
}

/** Names and values of expressions. */
interface Placeholders {
  ExpressionAttributeNames?: Record<string, string>
  ExpressionAttributeValues?: WireRow
}

interface Conditional extends Placeholders {
  TableName: string
  ConditionExpression?: string
  ReturnValuesOnConditionCheckFailure?: 'ALL_OLD'
}

interface Guarded extends Conditional {
  ReturnValues?: 'ALL_OLD' | 'ALL_NEW'
}

interface Attributes {
  Attributes?: ReadRow
}

interface PageInput extends Placeholders {
  TableName: string
  ConsistentRead: boolean
  FilterExpression?: string
  ProjectionExpression?: string
  Limit?: number
  ExclusiveStartKey?: WireRow
}

export interface QueryInput extends PageInput {
  KeyConditionExpression: string
  Select?: 'COUNT'
  ScanIndexForward?: false
}

export interface ScanInput extends PageInput {
  Segment?: number
  TotalSegments?: number
}

export interface WriteRequest {
  PutRequest?: { Item: WireRow }
  DeleteRequest?: { Key: WireRow }
}

interface ReadWriteRequest {
  PutRequest?: { Item?: ReadRow | undefined }
  DeleteRequest?: { Key?: ReadRow | undefined }
}

export interface TransactItem {
  Put?: Conditional & { Item: WireRow }
  Update?: Conditional & { Key: WireRow; UpdateExpression: string | undefined }
  Delete?: Conditional & { Key: WireRow }
  ConditionCheck?: Conditional & { Key: WireRow; ConditionExpression: string | undefined }
}
