import { type CreateTableOptions, checkedTableOptions, newTable, ttlOf } from '../dynamo/new-table.ts'
import { checkTableName } from '../dynamo/table-name.ts'
import { BackendError, InvalidInput } from '../errors.ts'
import { systemRuntime } from '../runtime.ts'
import type { DirectClient } from './client.ts'

export type { CreateTableOptions }

const pauseMs = 200

/**
 * Creates a table as lockrow needs it (pk, sk, TTL on `ttl`, on demand) and waits until it can be used. No error
 * when it is there already. For local use and tests: deploy with the construct of `lockrow/cdk`.
 *
 * @throws BackendError it is not there in time
 *
 * @example
 * ```ts
 * const client = directClient({ endpoint: 'http://localhost:8000', region: 'local' })
 * await createTable(client, 'orders')
 * ```
 */
export async function createTable(
  client: DirectClient,
  tableName: string,
  options: CreateTableOptions = {},
): Promise<void> {
  if (typeof client?.call !== 'function') throw new InvalidInput('client', 'must be a directClient(...)')
  checkTableName(tableName)
  const { ttl, waitSeconds } = checkedTableOptions(options)
  const isNew = await isCreated(client, tableName)
  await active(client, tableName, waitSeconds)
  if (ttl && isNew) await client.call('UpdateTimeToLive', ttlOf(tableName))
}

/** False: it was there, or somebody else creates it. */
const isCreated = (client: DirectClient, tableName: string): Promise<boolean> =>
  client.call('CreateTable', newTable(tableName)).then(
    () => true,
    (error: Error) => {
      if (error.name !== 'ResourceInUseException') throw error
      return false
    },
  )

async function active(client: DirectClient, tableName: string, waitSeconds: number): Promise<void> {
  const until = systemRuntime.monotonic() + waitSeconds * 1000
  for (;;) {
    const status = await statusOf(client, tableName)
    if (status === 'ACTIVE') return
    if (systemRuntime.monotonic() >= until)
      throw new BackendError(`the table '${tableName}' is ${status} after ${waitSeconds} s`)
    await systemRuntime.sleep(pauseMs)
  }
}

const statusOf = (client: DirectClient, TableName: string): Promise<string> =>
  client.call<{ Table: { TableStatus: string } }>('DescribeTable', { TableName }).then(
    ({ Table }) => Table.TableStatus,
    (error: Error) => {
      // One that was created just now may not be known yet.
      if (error.name !== 'ResourceNotFoundException') throw error
      return 'not there'
    },
  )
