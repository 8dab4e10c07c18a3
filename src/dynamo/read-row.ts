import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { newContext } from '../engine/context.ts'
import { inCall } from '../engine/in-call.ts'
import { readRows } from '../engine/requests.ts'
import type { AtomicDbItemKey, CallOptions } from '../interface.ts'
import { checkCallOptions } from '../model/option-names.ts'
import type { Row } from '../storage.ts'
import { sdkTransport } from './sdk-transport.ts'
import { DynamoStorage } from './storage.ts'

/** A row as it is stored, whatever it holds, for tools that show a table. 1 RRU per 4 KB. */
export async function readRow(
  client: DynamoDBClient,
  table: string,
  key: AtomicDbItemKey,
  options: CallOptions = {},
): Promise<Row | undefined> {
  const database = newContext(new DynamoStorage(sdkTransport(client), table), {})
  const [row] = await inCall(database, checkCallOptions, options, (context) => readRows(context, [key]))
  return row
}
