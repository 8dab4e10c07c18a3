import { InvalidInput, shardOf } from 'lockrow'
import { expect, test } from 'vitest'
import { newContext } from '../../../src/engine/context.ts'
import { maxQueues } from '../../../src/engine/queue/in-flight.ts'
import { shardFor } from '../../../src/engine/queue/shards.ts'
import { MemoryStorage } from '../../../src/memory/storage.ts'
import { Machine } from '../../setup/machine.ts'

function setUp(random: number) {
  const machine = new Machine(1e12)
  machine.random = () => random
  return newContext(new MemoryStorage(machine), { runtime: machine })
}

test('messages go to the shards in turn, each queue by its own; chance decides where a process begins', () => {
  const context = setUp(0)
  const next = (pk: string) => shardFor(context, 3, { pk })
  expect([next('a'), next('a'), next('b'), next('a'), next('a')]).toEqual([
    'a#shard0',
    'a#shard1',
    'b#shard0',
    'a#shard2',
    'a#shard0',
  ])
  expect(shardFor(setUp(1 / 2 ** 30), 3, { pk: 'a' })).toBe('a#shard1')
  expect(shardFor(setUp(0.999_999_999_9), 1000, { pk: 'a' })).toBe(`a#shard${(2 ** 30 - 1) % 1000}`)
})

test('group, key and id for deduplication decide, in this order, the same in every process', () => {
  const context = setUp(0)
  const ids = Array.from({ length: 20 }, (_, i) => String(i))
  for (const id of ids) {
    expect(shardFor(context, 8, { pk: 'a', group: id, sk: 'x', deduplicationId: 'y' })).toBe(
      shardOf('a', 8, id),
    )
    expect(shardFor(context, 8, { pk: 'a', sk: id, deduplicationId: 'y' })).toBe(shardOf('a', 8, id))
    expect(shardFor(context, 8, { pk: 'a', deduplicationId: id })).toBe(shardOf('a', 8, id))
  }
})

test('a number of shards that cannot be is refused', () => {
  for (const shards of [0, -1, 1.5, 10_001, Number.NaN])
    expect(() => shardFor(setUp(0), shards, { pk: 'a' })).toThrow(InvalidInput)
})

test('the turns of the oldest queue are forgotten where there are very many', () => {
  const context = setUp(0)
  const next = (pk: string) => shardFor(context, 4, { pk })
  next('first')
  for (let i = 1; i < maxQueues; i++) next(`q${i}`)
  expect(next('first')).toBe('first#shard1')
  next('one more')
  expect(next('first')).toBe('first#shard0')
})
