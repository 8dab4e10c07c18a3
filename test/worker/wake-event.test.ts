import { InvalidInput } from 'lockrow'
import { expect, test } from 'vitest'
import { mayBeQueue, queueOf, wakeIn } from '../../src/worker/wake-event.ts'

const record = (pk: unknown, eventName = 'INSERT') => ({ eventName, dynamodb: { Keys: { pk: { S: pk } } } })

test.each([
  [{ queue: 'a' }, ['a']],
  [{ queue: ['a', 'b'] }, ['a', 'b']],
  [{ detail: { queue: 'a' } }, ['a']],
  [{ queue: 'a', detail: { queue: 'b' }, Records: [] }, ['a']],
])('%j asks for queues by name', (event, names) => {
  expect(wakeIn(event)).toEqual({ names, isAsked: true })
})

test('records of the stream name the partitions that were written to, each once', () => {
  const Records = [record('a'), record('b', 'MODIFY'), record('a'), record('c', 'REMOVE')]
  expect(wakeIn({ Records })).toEqual({ names: ['a', 'b'], isAsked: false })
})

test('records without a partition name none, and what is no record of a stream says nothing', () => {
  const Records = [record(undefined), { eventName: 'INSERT', dynamodb: {} }, undefined, { body: 'x' }]
  expect(wakeIn({ Records })).toEqual({ names: [], isAsked: false })
  expect(wakeIn({ Records: [{ body: 'of a queue of SQS' }] })).toBe(undefined)
})

test.each([undefined, null, {}, 5, { detail: {} }, { detail: null }, { Records: 'x' }])(
  '%j names nothing: all queues are meant',
  (event) => expect(wakeIn(event)).toBe(undefined),
)

test.each([{ queue: '' }, { queue: [] }, { queue: ['a', ''] }, { queue: 5 }, { queue: ['a', 5] }])(
  '%j is refused',
  (event) => expect(() => wakeIn(event)).toThrow(InvalidInput),
)

test('dead letters, and what belongs to messages, are no queues', () => {
  expect(['jobs', 'jobs#dead', 'jobs#dead#dead'].map(mayBeQueue)).toEqual([true, false, false])
})

test('a shard stands for its queue, unless a queue has this very name', () => {
  expect(queueOf('jobs', () => false)).toBe('jobs')
  expect(queueOf('jobs#shard7', (name) => name === 'jobs#shard7')).toBe('jobs#shard7')
})
