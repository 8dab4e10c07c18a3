import { AtomicMemoryDb } from 'lockrow'
import { collection, typed } from 'lockrow/collections'
import { expect, test } from 'vitest'

interface Item {
  id: string
  at: Date
  big: bigint
  bytes: Uint8Array
  set: Set<string>
  deep: { list: (number | bigint)[]; none: null }
}

const items = collection(new AtomicMemoryDb(), 'items', { schema: typed<Item>(), key: 'id', dates: ['at'] })
const item: Item = {
  id: 'a',
  at: new Date(5),
  big: 2n ** 60n,
  bytes: new Uint8Array([0, 255]),
  set: new Set(['x', 'y']),
  deep: { list: [1, 2n ** 70n], none: null },
}

test('an item becomes JSON and the same item again', async () => {
  const text = JSON.stringify(items.toJSON(item))
  expect(JSON.parse(text)).toMatchObject({
    id: 'a',
    at: '1970-01-01T00:00:00.005Z',
    big: { $bigint: '1152921504606846976' },
  })
  expect(items.fromJSON(text)).toEqual(item)
  expect(items.fromJSON(JSON.parse(text))).toEqual(item)
  await items.put(items.fromJSON(text))
  expect(await items.get('a')).toEqual(item)
})

test.each([
  '5',
  'null',
  '{"a":{"$bigint":"x"}}',
  '{"a":{"$other":"x"}}',
  '{"a":{"$set":5}}',
  '{"a":{"$bytes":5}}',
  '{"__proto__":{"x":1}}',
])('%s is no item', (text) => {
  expect(() => items.fromJSON(text)).toThrow(/json/)
})
