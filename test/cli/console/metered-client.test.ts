import { UnitMeter } from 'lockrow/console'
import { AtomicDynamoDB } from 'lockrow/dynamo'
import { expect, inject, it } from 'vitest'
import { meterClient } from '../../../src/cli/console/metered-client.ts'
import { describeTable } from '../../../src/cli/table-facts.ts'
import { dropTable, freshTable, localClient } from '../../setup/local.ts'

it('what the replies of a client say is counted as reads and writes', async () => {
  const client = localClient(inject('dynamoEndpoint'))
  const table = await freshTable(client)
  try {
    const meter = new UnitMeter()
    meterClient(client, meter)
    await describeTable(client, table, new AbortController().signal)
    expect(meter.isUsed).toBe(false)
    const db = new AtomicDynamoDB(client, table)
    await db.set({ pk: 'a', sk: 'b', data: 'x'.repeat(5000) })
    expect(meter.all).toEqual({ read: 0, write: 5 })
    await db.get({ pk: 'a', sk: 'b' })
    await db.query({ pk: 'a' })
    await db.getMany([{ pk: 'a', sk: 'b' }], { consistent: false })
    expect(meter.all).toEqual({ read: 5, write: 5 })
  } finally {
    await dropTable(client, table)
    client.destroy()
  }
})
