import { InvalidInput } from 'lockrow'
import { AtomicDynamoDB } from 'lockrow/dynamo'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { readRow } from '../../src/dynamo/read-row.ts'
import { dropTable, freshTable, localClient } from '../setup/local.ts'

const client = localClient(inject('dynamoEndpoint'))
let table: string
beforeAll(async () => {
  table = await freshTable(client, 'row')
})
afterAll(async () => {
  await dropTable(client, table)
  client.destroy()
})

test('a row is shown as it is stored, also one that get hides', async () => {
  const db = new AtomicDynamoDB(client, table)
  await db.set({ pk: 'p', sk: 'a', data: { n: 1 } })
  const [pushed] = await db.queuePush({ pk: 'jobs', data: 7 })
  expect(await readRow(client, table, { pk: 'p', sk: 'a' })).toEqual({ pk: 'p', sk: 'a', data: { n: 1 } })
  const lock = await db.getLock({ pk: 'p', sk: 'lock' })
  expect(await db.get(lock)).toBe(undefined)
  expect(await readRow(client, table, lock)).toMatchObject({ version: lock.version })
  expect(await readRow(client, table, pushed!)).toMatchObject({ data: 7, n: 0 })
  expect(await readRow(client, table, { pk: 'p', sk: 'none' })).toBe(undefined)
})

test('options are those of a call', async () => {
  await expect(readRow(client, table, { pk: 'p', sk: 'a' }, { timeout: 1 } as never)).rejects.toThrow(
    InvalidInput,
  )
})
