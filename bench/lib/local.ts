import { randomUUID } from 'node:crypto'
import { createTable } from '../../src/dynamo/index.ts'
import { startDynamoDBLocal } from '../../src/testing/dynamo-local.ts'
import { makeClient } from './sdk.ts'

/**
 * Runs `work` on a DynamoDB Local (a server of its own, or the one at DYNAMODB_ENDPOINT) with a fresh table, and
 * stops what it started.
 */
export async function withLocal<T>(work: (endpoint: string, table: string) => Promise<T>): Promise<T> {
  const server = await startDynamoDBLocal()
  const client = makeClient(server.endpoint)
  const table = `bench-${randomUUID()}`
  try {
    await createTable(client, table)
    return await work(server.endpoint, table)
  } finally {
    client.destroy()
    await server.stop()
  }
}
