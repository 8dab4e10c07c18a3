import { AtomicMemoryDb } from 'lockrow'
import { expect, test } from 'vitest'

/** Time passes between pulls, so that what was pulled comes again. */
function world() {
  const clock = { now: 1_700_000_000_000 }
  const db = new AtomicMemoryDb({ now: () => clock.now })
  const pull = async (pk: string, deadLetter?: string) => {
    const { item } = await db.queuePull({
      pk,
      ttlSeconds: 1,
      maxReceives: 1,
      ...(deadLetter && { deadLetter }),
    })
    clock.now += 5000
    return item
  }
  return { db, pull, clock }
}

test('a message that was received too often lies with the dead letters, with where it comes from and why', async () => {
  const { db, pull, clock } = world()
  await db.queuePush({ pk: 'jobs', data: 1, group: 'g' })
  expect((await pull('jobs'))!.receiveCount).toBe(1)
  const at = clock.now
  expect(await pull('jobs')).toBeUndefined()
  const [letter] = await db.queuePeek({ pk: 'jobs#dead' })
  expect(letter).toMatchObject({
    data: 1,
    deadLetter: { from: 'jobs', reason: 'received 1 times', at, receives: 1 },
  })
  expect(letter!.deadLetter).not.toHaveProperty('hops')
})

test('two queues that are the dead letters of each other do not send a message back and forth', async () => {
  const { db, pull } = world()
  await db.queuePush({ pk: 'a', data: 1 })
  await pull('a', 'b')
  await pull('a', 'b')
  await pull('b', 'a')
  await pull('b', 'a')
  expect(await db.queuePeek({ pk: 'a' })).toEqual([])
  expect((await db.queuePeek({ pk: 'b#dead' }))[0]).toMatchObject({ deadLetter: { from: 'b', hops: 2 } })
})

test('a chain of queues ends after five', async () => {
  const { db, pull } = world()
  await db.queuePush({ pk: 'q0', data: 1 })
  for (let i = 0; i < 6; i++) {
    expect(await pull(`q${i}`, `q${i + 1}`), `q${i}`).toBeDefined()
    expect(await pull(`q${i}`, `q${i + 1}`)).toBeUndefined()
  }
  expect(await db.queuePeek({ pk: 'q6' })).toEqual([])
  expect((await db.queuePeek({ pk: 'q5#dead' }))[0]).toMatchObject({ deadLetter: { from: 'q5', hops: 6 } })
})

test('redriven letters are messages again, as if they had not been received', async () => {
  const { db, pull } = world()
  await db.queuePush([1, 2, 3].map((data) => ({ pk: 'jobs', data })))
  for (let i = 0; i < 6; i++) await pull('jobs')
  expect(await db.queuePeek({ pk: 'jobs#dead' })).toHaveLength(3)
  expect(await db.queueRedrive({ from: 'jobs#dead', limit: 2 })).toBe(2)
  const back = await db.queuePeek({ pk: 'jobs' })
  expect(back.map(({ data, receiveCount }) => [data, receiveCount])).toEqual([
    [1, 0],
    [2, 0],
  ])
  expect(await db.queuePeek({ pk: 'jobs#dead' })).toHaveLength(1)
})
