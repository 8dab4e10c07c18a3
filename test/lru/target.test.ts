import { expect, test } from 'vitest'
import { partitionOf, rowsTarget, targetOf } from '../../src/lru/target.ts'
import { keyText } from '../../src/model/keys.ts'

const key = { pk: 'jobs#shard3', sk: 'a' }

test('rows by their text, the shards of a queue by one name', () => {
  expect(partitionOf(key)).toBe('jobs')
  expect(partitionOf({ pk: 'users', sk: 'a' })).toBe('users')
  expect(rowsTarget([key])).toEqual({ texts: [keyText(key)], partitions: [], everything: false })
  expect(targetOf({ keys: [key], partitions: ['jobs#shard1', 'users'] })).toEqual({
    texts: [keyText(key)],
    partitions: ['jobs', 'users'],
    everything: false,
  })
  expect(targetOf({ keys: [], everything: true })).toEqual({ texts: [], partitions: [], everything: true })
})
