import { shardOf, shardsOf } from 'lockrow'
import { expect, test } from 'vitest'
import { checkShards, maxShards } from '../../src/model/shards.ts'

test('the shards of a queue have its name and a number', () => {
  expect(shardsOf('jobs', 3)).toEqual(['jobs#shard0', 'jobs#shard1', 'jobs#shard2'])
})

test('a text always lies in the same shard, and every shard gets some', () => {
  expect(shardOf('jobs', 4, 'ada')).toBe(shardOf('jobs', 4, 'ada'))
  const used = new Set(Array.from({ length: 100 }, (_, i) => shardOf('jobs', 4, `c${i}`)))
  expect([...used].sort()).toEqual(shardsOf('jobs', 4))
})

test.each([0, -1, 1.5, maxShards + 1, Number.NaN, '2', undefined])('%s shards are refused', (shards) => {
  expect(() => checkShards(shards)).toThrow(/shards: must be a whole number from 1 to 10000/)
})

test('one shard and the most are taken', () => {
  expect([checkShards(1), checkShards(maxShards)]).toEqual([1, 10_000])
})
