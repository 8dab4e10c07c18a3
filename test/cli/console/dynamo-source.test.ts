import { AtomicMemoryDb } from 'lockrow'
import { UnitMeter } from 'lockrow/console'
import { expect, inject, it } from 'vitest'
import { openClient, settingsOf } from '../../../src/cli/connect.ts'
import { DynamoSource, LateDb } from '../../../src/cli/console/dynamo-source.ts'
import { scanRows } from '../../../src/model/scan-rows.ts'
import { dropTable, freshTable, localClient } from '../../setup/local.ts'

const make = (table: string, endpoint: string) => {
  const meter = new UnitMeter()
  const source = new DynamoSource(table, () => openClient(settingsOf({ endpoint }, {}), {}), meter)
  return { meter, source, db: new LateDb(source, new AtomicMemoryDb()) }
}

it('a table is opened at the first call, and its units are counted', async () => {
  const client = localClient(inject('dynamoEndpoint'))
  const table = await freshTable(client)
  const { meter, source, db } = make(table, inject('dynamoEndpoint'))
  try {
    await db.set({ pk: 'a', sk: 'b', data: 1 })
    expect((await db.get({ pk: 'a', sk: 'b' }))?.data).toBe(1)
    expect((await scanRows(db)).rows).toMatchObject([{ pk: 'a', sk: 'b' }])
    expect(meter.all.write).toBe(1)
  } finally {
    await source.close()
    await dropTable(client, table)
    client.destroy()
  }
})

it('a table that is missing fails each call, until it is there', async () => {
  const client = localClient(inject('dynamoEndpoint'))
  const table = await freshTable(client)
  await dropTable(client, table)
  const { source, db } = make(table, inject('dynamoEndpoint'))
  try {
    await expect(db.get({ pk: 'a', sk: 'b' })).rejects.toThrow()
    const { createTable } = await import('lockrow/dynamo')
    await createTable(client, table)
    expect(await db.get({ pk: 'a', sk: 'b' })).toBeUndefined()
  } finally {
    await source.close()
    await dropTable(client, table)
    client.destroy()
  }
})

it('credentials that were missing are looked for again at the next call', async () => {
  const client = localClient(inject('dynamoEndpoint'))
  const table = await freshTable(client)
  const found = [Promise.reject(new Error('no credentials')), Promise.resolve(client)]
  const source = new DynamoSource(table, () => found.shift()!, new UnitMeter())
  const db = new LateDb(source, new AtomicMemoryDb())
  try {
    await expect(db.get({ pk: 'a', sk: 'b' })).rejects.toThrow('no credentials')
    expect(await db.get({ pk: 'a', sk: 'b' })).toBeUndefined()
    expect(await db.get({ pk: 'a', sk: 'b' })).toBeUndefined()
    expect(found).toEqual([])
  } finally {
    await dropTable(client, table)
    await source.close()
  }
})
