import { InvalidInput } from 'lockrow'
import { expect, test } from 'vitest'
import { checkedTableOptions, newTable, ttlOf } from '../../src/dynamo/new-table.ts'

test('a table has pk and sk, both texts, and is paid for by request', () => {
  expect(newTable('orders')).toEqual({
    TableName: 'orders',
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [
      { AttributeName: 'pk', AttributeType: 'S' },
      { AttributeName: 'sk', AttributeType: 'S' },
    ],
    KeySchema: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
  })
})

test('expired rows are deleted by ttl', () => {
  expect(ttlOf('orders')).toEqual({
    TableName: 'orders',
    TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
  })
})

test('options have their defaults, and wrong ones are refused', () => {
  expect(checkedTableOptions({})).toEqual({ ttl: true, waitSeconds: 60 })
  expect(checkedTableOptions({ ttl: false, waitSeconds: 5 })).toEqual({ ttl: false, waitSeconds: 5 })
  for (const wrong of [{ ttl: 1 }, { waitSeconds: -1 }, { wait: 3 }])
    expect(() => checkedTableOptions(wrong as never)).toThrow(InvalidInput)
})
