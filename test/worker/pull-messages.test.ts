import { AtomicMemoryDb } from 'lockrow'
import { expect, test } from 'vitest'
import type { QueueWorkerEvent } from '../../src/worker/events.ts'
import { pullMessages } from '../../src/worker/pull-messages.ts'
import { Machine } from '../setup/machine.ts'

const { signal } = new AbortController()

test('a pull claims as many as were asked for, for as long as the handling says', async () => {
  const machine = new Machine(1e12)
  const db = new AtomicMemoryDb({ runtime: machine })
  await db.queuePush([1, 2, 3].map((data) => ({ pk: 'jobs', data })))
  const { items } = await pullMessages(db, { pk: 'jobs', visibilitySeconds: 7 }, 2, signal)
  expect(items.map(({ data }) => data)).toEqual([1, 2])
  expect(items[0]!.processingTimeout).toBe(machine.wall + 7000)
})

test('messages that the pull gave up are told, with the reason and where they lie now', async () => {
  const machine = new Machine(1e12)
  const db = new AtomicMemoryDb({ runtime: machine })
  const events: QueueWorkerEvent[] = []
  const options = { pk: 'jobs', maxReceives: 1, onEvent: (event: QueueWorkerEvent) => events.push(event) }
  await db.queuePush({ pk: 'jobs', data: 'fatal' })
  expect((await pullMessages(db, options, 1, signal)).items).toHaveLength(1)
  expect(events).toEqual([])
  machine.pass(61_000)
  expect((await pullMessages(db, options, 1, signal)).items).toEqual([])
  expect(events).toMatchObject([
    { type: 'dead', item: { data: 'fatal' }, reason: 'received 1 times', deadLetter: 'jobs#dead' },
  ])
  expect(await db.queuePeek({ pk: 'jobs#dead' })).toHaveLength(1)
})

test('the signal ends it', async () => {
  await expect(
    pullMessages(new AtomicMemoryDb(), { pk: 'jobs' }, 1, AbortSignal.abort(new Error('enough'))),
  ).rejects.toThrow('enough')
})
