import { randomUUID } from 'node:crypto'
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { type AtomicDbInterface, AtomicMemoryDb } from 'lockrow'
import { AtomicDynamoDB } from 'lockrow/dynamo'
import { afterAll, beforeAll, describe, inject } from 'vitest'
import { dropTable, freshTable, localClient } from './local.ts'

export interface Backend {
  name: string
  /** A database object on the data that all objects of this backend share. */
  open(): AtomicDbInterface
  /** A partition key that no other test uses. */
  pk(): string
}

/** Runs the same tests on the twin and on DynamoDB Local. */
export function onBothBackends(title: string, tests: (backend: Backend) => void): void {
  const pk = () => `p-${randomUUID()}`
  describe(`${title}, twin`, () => {
    const db = new AtomicMemoryDb()
    tests({ name: 'memory', open: () => db, pk })
  })
  describe(`${title}, DynamoDB Local`, () => {
    let client: DynamoDBClient
    let table: string
    beforeAll(async () => {
      client = localClient(inject('dynamoEndpoint'))
      table = await freshTable(client)
    })
    afterAll(async () => {
      await dropTable(client, table)
      client.destroy()
    })
    tests({ name: 'dynamo', open: () => new AtomicDynamoDB(client, table), pk })
  })
}
