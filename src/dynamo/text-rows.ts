import { type DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb'
import { type Context, newContext } from '../engine/context.ts'
import { inCall } from '../engine/in-call.ts'
import { retried } from '../engine/retry.ts'
import type { AtomicDbItemKey, CallOptions } from '../interface.ts'
import { decodeRow, encode, type ReadRow, wireKey } from '../model/attribute-values.ts'
import { allGuards } from '../model/expiry.ts'
import { checkCallOptions } from '../model/option-names.ts'
import type { Guard, Row } from '../storage.ts'
import { toFault } from './faults.ts'
import { type Send, sender } from './no-sdk-retry.ts'
import { sdkTransport } from './sdk-transport.ts'
import { DynamoStorage } from './storage.ts'

/** One page of a scan: the rows that may have to be converted, and where the next page begins. */
export interface TextRowPage {
  rows: Row[]
  /** How many rows were looked at. */
  scanned: number
  /** Exclusive start of the next page; absent at the end. */
  next?: AtomicDbItemKey
}

/** What became of a row. */
export type Replaced = 'replaced' | 'already' | 'changed'

/** The mark of a row that was converted, in the place of the id of an update: so it is converted once. */
const converted = 'converted'

/** Texts and bytes in `data`, written by anything but lockrow; or by `set`, if its data was a text or bytes itself. */
const candidates =
  '(attribute_type(#data, :S) OR attribute_type(#data, :B)) AND attribute_not_exists(#version) ' +
  'AND attribute_not_exists(#n) AND attribute_not_exists(#w)'

/** The rows of a table whose `data` is a text or bytes, for the command that converts them. */
export class TextRows {
  readonly #database: Context
  readonly #storage: DynamoStorage
  readonly #send: Send
  readonly #table: string

  constructor(client: DynamoDBClient, table: string) {
    this.#send = sender(client)
    this.#table = table
    this.#storage = new DynamoStorage(sdkTransport(client), table)
    this.#database = newContext(this.#storage, {})
  }

  /** Reads on from a key, strongly consistent: 1 RRU per 4 KB of everything that lies there. */
  async page(
    {
      after,
      prefix,
      limit,
    }: { after: AtomicDbItemKey | undefined; prefix: string | undefined; limit: number },
    options: CallOptions,
  ): Promise<TextRowPage> {
    const command = new ScanCommand({
      TableName: this.#table,
      ConsistentRead: true,
      Limit: limit,
      FilterExpression: prefix === undefined ? candidates : `begins_with(#pk, :pk) AND ${candidates}`,
      ExpressionAttributeNames: {
        '#data': 'data',
        '#version': 'version',
        '#n': 'n',
        '#w': 'w',
        ...(prefix !== undefined && { '#pk': 'pk' }),
      },
      ExpressionAttributeValues: {
        ':S': { S: 'S' },
        ':B': { S: 'B' },
        ...(prefix !== undefined && { ':pk': encode(prefix) }),
      },
      ...(after && { ExclusiveStartKey: wireKey(after) }),
    })
    return inCall(this.#database, checkCallOptions, options, (context) =>
      retried(context, 'read', [], async () => {
        const signal = context.call.signal
        const reply = await this.#send<ScanReply>(command as never, { signal }).catch((error: unknown) => {
          throw toFault(error, this.#table, signal)
        })
        return pageOf(reply)
      }),
    )
  }

  /** Puts `data` in the place of the text or bytes that were read, if these are still there. 1 WRU per KB. */
  async replace(row: Row, data: unknown, options: CallOptions): Promise<Replaced> {
    const key = { pk: row.pk, sk: row.sk }
    const applied = await inCall(this.#database, checkCallOptions, options, (context) =>
      // Twice is as good as once: the second time the mark is there.
      retried(context, 'idempotent', [key], () =>
        this.#storage.apply(
          {
            op: 'update',
            key,
            changes: [
              { op: 'set', path: ['data'], value: data },
              { op: 'set', path: ['w'], value: converted },
            ],
            guard: asRead(row),
          },
          { signal: context.call.signal },
        ),
      ),
    )
    if (applied.applied) return 'replaced'
    return applied.row?.w === converted ? 'already' : 'changed'
  }
}

const absent = (name: string): Guard => ({ op: 'absent', path: [name] })

const asRead = (row: Row): Guard =>
  allGuards(
    { op: 'eq', left: { path: ['data'] }, right: { value: row.data } },
    ...['version', 'n', 'w'].map(absent),
  )

interface ScanReply {
  Items?: ReadRow[]
  ScannedCount?: number
  LastEvaluatedKey?: ReadRow
}

function pageOf({ Items = [], ScannedCount = 0, LastEvaluatedKey: last }: ScanReply): TextRowPage {
  const page: TextRowPage = { rows: Items.map((item) => decodeRow(item) as Row), scanned: ScannedCount }
  return last ? { ...page, next: { pk: last.pk!.S!, sk: last.sk!.S! } } : page
}
