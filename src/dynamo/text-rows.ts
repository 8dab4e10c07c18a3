import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { type Context, newContext } from '../engine/context.ts'
import { inCall } from '../engine/in-call.ts'
import { readScan } from '../engine/requests.ts'
import { retried } from '../engine/retry.ts'
import type { AtomicDbItemKey, CallOptions } from '../interface.ts'
import { allGuards } from '../model/expiry.ts'
import { checkCallOptions } from '../model/option-names.ts'
import type { Guard, Row, ScanPage } from '../storage.ts'
import { sdkTransport } from './sdk-transport.ts'
import { DynamoStorage } from './storage.ts'

/** What became of a row. */
export type Replaced = 'replaced' | 'already' | 'changed'

/** The mark of a row that was converted, in the place of the id of an update: so it is converted once. */
const converted = 'converted'

const isOfType = (type: 'S' | 'B'): Guard => ({ op: 'type', path: ['data'], type })
const absent = (name: string): Guard => ({ op: 'absent', path: [name] })
const unmarked = ['version', 'n', 'w'].map(absent)

/** Texts and bytes in `data`, written by anything but lockrow; or by `set`, if its data was a text or bytes itself. */
const candidates = allGuards({ op: 'or', of: [isOfType('S'), isOfType('B')] }, ...unmarked)

/** The rows of a table whose `data` is a text or bytes, for the command that converts them. */
export class TextRows {
  readonly #database: Context
  readonly #storage: DynamoStorage

  constructor(client: DynamoDBClient, table: string) {
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
  ): Promise<ScanPage> {
    const only = prefix === undefined ? candidates : allGuards(beginsWith(prefix), candidates)
    return inCall(this.#database, checkCallOptions, options, (context) =>
      readScan(context, { only, limit, ...(after && { after }) }),
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

const beginsWith = (prefix: string): Guard => ({ op: 'beginsWith', path: ['pk'], value: prefix })

const asRead = (row: Row): Guard =>
  allGuards({ op: 'eq', left: { path: ['data'] }, right: { value: row.data } }, ...unmarked)
