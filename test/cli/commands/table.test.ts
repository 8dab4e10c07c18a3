import { randomUUID } from 'node:crypto'
import { CreateTableCommand } from '@aws-sdk/client-dynamodb'
import { describe, expect, inject, it } from 'vitest'
import { dropTable } from '../../setup/local.ts'
import { onTable, records } from '../helpers.ts'

const on = onTable()
const { lockrow } = on

describe('table', () => {
  it('create makes it once, describe tells of it', async () => {
    const table = `cli-${randomUUID()}`
    const args = ['--table', table]
    try {
      expect(await lockrow(['table', 'describe', ...args])).toEqual({
        code: 2,
        out: '',
        err: `lockrow: there is no table '${table}' at ${inject('dynamoEndpoint')}: make it with 'lockrow table create', or check --table, --region and --endpoint\n`,
      })
      const made = await lockrow(['table', 'create', ...args])
      expect(made).toMatchObject({ code: 0, err: '' })
      expect(made.out).toMatch(new RegExp(`^made the table '${table}'\n`))
      const again = await lockrow(['table', 'create', '--json', ...args])
      expect(records(again)).toMatchObject([{ table, created: false, ttl: 'ttl', problems: [] }])
      const described = await lockrow(['table', 'describe', ...args])
      expect(described.out).toMatch(/^status +ACTIVE$/m)
      expect(described.out).toMatch(/^expiry +TTL on 'ttl'$/m)
      expect(described.out).toMatch(/^for lockrow +good$/m)
    } finally {
      await dropTable(on.client(), table)
    }
  })

  it('describe says no to a table with other keys', async () => {
    const table = `cli-${randomUUID()}`
    await on.client().send(
      new CreateTableCommand({
        TableName: table,
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      }),
    )
    const ran = await lockrow(['table', 'describe', '--json', '--table', table])
    await dropTable(on.client(), table)
    expect(ran.code).toBe(1)
    expect(records(ran)).toMatchObject([{ problems: [expect.stringContaining('must be pk and sk')] }])
  })
})
