import { type AtomicDbOperation, AtomicMemoryDb, InvalidInput, RaceCondition } from 'lockrow'
import { expect, test } from 'vitest'
import { onPush } from '../../../src/model/wake.ts'
import { Machine } from '../../setup/machine.ts'

const open = () => {
  const machine = new Machine(1_700_000_000_000)
  return { machine, db: new AtomicMemoryDb({ runtime: machine }) }
}
const push = (item: object): AtomicDbOperation => ({ type: 'queuePush', item: { pk: 'jobs', ...item } })

test('a message is pushed with the rest of the transaction, or not at all', async () => {
  const { db } = open()
  const key = { pk: 'p', sk: 'a' }
  const { pushed } = await db.transact([push({ data: 1 }), { type: 'set', item: { ...key, data: 1 } }])
  expect(pushed).toMatchObject([{ pk: 'jobs', data: 1, receiveCount: 0 }])
  const failing: AtomicDbOperation = { type: 'setIfAbsent', item: { ...key, data: 2 } }
  await expect(db.transact([push({ data: 2 }), failing])).rejects.toThrow()
  expect((await db.queuePeek({ pk: 'jobs' })).map(({ data }) => data)).toEqual([1])
})

test('one with a key of its own is refused where a row lies there', async () => {
  const { db } = open()
  await db.transact([push({ sk: 'mine', data: 1 })])
  await expect(db.transact([push({ sk: 'mine', data: 2 })])).rejects.toMatchObject({
    conflicts: [{ index: 0, key: { pk: 'jobs', sk: 'mine' }, reason: 'exists' }],
  })
})

test('a delayed one lies apart, and is given out when it is due', async () => {
  const { machine, db } = open()
  const { pushed } = await db.transact([push({ delaySeconds: 60, data: 'later' })])
  expect(pushed[0]).toMatchObject({ pk: 'jobs#scheduled', queue: 'jobs' })
  expect((await db.queuePull({ pk: 'jobs' })).nextDue).toBe(machine.wall + 60_000)
  machine.pass(60_000)
  expect((await db.queuePull({ pk: 'jobs' })).item?.data).toBe('later')
})

test('consumers of this process hear of it at once', async () => {
  const { machine, db } = open()
  let rung = 0
  const stop = onPush(machine, 'jobs', () => rung++)
  await db.transact([push({ data: 1 })])
  expect(rung).toBe(1)
  stop()
})

test('a message that was pushed before what is in flight is given out by this process', async () => {
  const { db } = open()
  await db.queuePush({ pk: 'jobs', sk: 'm', data: 'first' })
  await db.queuePull({ pk: 'jobs' })
  await db.transact([push({ sk: 'a', data: 'before' })])
  expect((await db.queuePull({ pk: 'jobs' })).item?.data).toBe('before')
})

test('an acknowledgement holds while its receipt is current, and takes the payload along', async () => {
  const { machine, db } = open()
  await db.queuePush({ pk: 'jobs', data: 'x'.repeat(100) }, { payloadThreshold: 10 })
  const { item: first } = await db.queuePull({ pk: 'jobs', ttlSeconds: 5 })
  machine.pass(5000)
  const { item: second } = await db.queuePull({ pk: 'jobs', ttlSeconds: 5 })
  const acknowledge = (item: typeof first): AtomicDbOperation => ({ type: 'queueAcknowledge', item: item! })
  await expect(db.transact([acknowledge(first)])).rejects.toMatchObject({
    conflicts: [{ index: 0, reason: 'receipt' }],
  })
  expect(await db.query({ pk: second!.payloadKey! })).toEqual([])
  const left = async () => (await db.queuePeek({ pk: 'jobs' })).length
  expect(await left()).toBe(1)
  await db.transact([acknowledge(second)])
  expect(await left()).toBe(0)
  await expect(db.transact([acknowledge(second)])).rejects.toThrow(RaceCondition)
})

test.each([
  [{ pk: '' }, /operations\[0\]\.item\.pk/],
  [{ data: 'x'.repeat(409_000) }, /operations\[0\]\.item/],
])('%j is refused by name', async (item, text) => {
  const refused = open().db.transact([push(item)])
  await expect(refused).rejects.toThrow(InvalidInput)
  await expect(open().db.transact([push(item)])).rejects.toThrow(text)
})

test('what is acknowledged must be a key', async () => {
  const operation = { type: 'queueAcknowledge', item: { pk: 'jobs' } } as never
  await expect(open().db.transact([operation])).rejects.toThrow(/operations\[0\]\.item\.sk/)
})
