import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  counterRegistryKey,
  counterShardKey,
  deadLetterName,
  deduplicationKey,
  idempotencyMarkerKey,
  isDeadLetterName,
  isLockName,
  lockKey,
  payloadKey,
  processesPk,
  queueOfShard,
  shardName,
  uniqueKey,
} from '../../src/model/key-names.ts'

const key = { pk: 'p', sk: 's' }

test('the names in the table are those that rows were written with', () => {
  expect(lockKey(key)).toEqual({ pk: 'p', sk: 's#lock' })
  expect(deadLetterName('q')).toBe('q#dead')
  expect(shardName('q', 7)).toBe('q#shard7')
  expect(payloadKey('q', 'id')).toEqual({ pk: 'q#payload#id', sk: '#' })
  expect(deduplicationKey('q', 'id')).toEqual({ pk: 'q#dedup#id', sk: '#' })
  expect(idempotencyMarkerKey('k')).toEqual({ pk: 'k#idempotency', sk: '#' })
  expect(uniqueKey('users', 'email', 'a@b.c')).toEqual({ pk: 'users#unique#email', sk: 'a@b.c' })
  expect(counterShardKey(key, 3)).toEqual({ pk: 'p#3', sk: 's' })
  expect(counterRegistryKey(key)).toEqual({ pk: 'p#shards', sk: 's' })
  expect(processesPk).toBe('lockrow#processes')
})

test.each([
  ['q#shard0', 'q'],
  ['q#shard12', 'q'],
  ['q#shard', 'q#shard'],
  ['q#shard1x', 'q#shard1x'],
  ['q', 'q'],
  ['q#shard1#shard2', 'q#shard1'],
])('%s is of the queue %s', (pk, queue) => {
  expect(queueOfShard(pk)).toBe(queue)
})

test('names that end otherwise are neither locks nor dead letters', () => {
  expect([isLockName('s#lock'), isLockName('s#locks'), isLockName('lock')]).toEqual([true, false, false])
  expect([isDeadLetterName('q#dead'), isDeadLetterName('q#dead1')]).toEqual([true, false])
})

test('the documentation of the table lists every name', () => {
  const text = readFileSync(new URL('../../docs/data-model.md', import.meta.url), 'utf8')
  const names = ['#lock', '#dead', '#shard0', '#payload#', '#dedup#', '#idempotency', '#unique#', '#shards']
  for (const name of [...names, processesPk]) expect(text).toContain(name)
})
