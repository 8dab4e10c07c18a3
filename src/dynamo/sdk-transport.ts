import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DeleteItemCommand,
  DescribeTableCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TransactGetItemsCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { type Command, type SdkClient, sender } from './no-sdk-retry.ts'
import type { Operation, Transport } from './transport.ts'

type CommandClass = new (input: never) => Command<never>

const commands: Readonly<Record<Operation, unknown>> = {
  GetItem: GetItemCommand,
  BatchGetItem: BatchGetItemCommand,
  TransactGetItems: TransactGetItemsCommand,
  Query: QueryCommand,
  Scan: ScanCommand,
  PutItem: PutItemCommand,
  UpdateItem: UpdateItemCommand,
  DeleteItem: DeleteItemCommand,
  BatchWriteItem: BatchWriteItemCommand,
  TransactWriteItems: TransactWriteItemsCommand,
  DescribeTable: DescribeTableCommand,
}

/** Requests by a client of the SDK, of either kind. It stays as it is, and repeats nothing. */
export function sdkTransport(client: SdkClient): Transport {
  const send = sender(client)
  return {
    call(operation, input, options) {
      const CommandOf = commands[operation] as CommandClass
      return send(new CommandOf(input as never), options)
    },
  }
}
