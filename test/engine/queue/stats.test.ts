import { AtomicMemoryDb, InvalidInput } from 'lockrow'
import { expect, test } from 'vitest'
import { Machine } from '../../setup/machine.ts'

const pk = 'jobs'
function open() {
  const machine = new Machine(1_700_000_000_000)
  return { machine, db: new AtomicMemoryDb({ runtime: machine }) }
}
const many = (count: number, more: object = {}) => Array.from({ length: count }, () => ({ pk, ...more }))
const nothing = {
  ready: 0,
  inFlight: 0,
  delayed: 0,
  scheduled: 0,
  dead: 0,
  oldestAgeSeconds: 0,
  atLeast: false,
  oldestIsExact: true,
  paused: false,
}

test('each message counts once, by what it is now', async () => {
  const { machine, db } = open()
  expect(await db.queueStats(pk)).toEqual(nothing)
  await db.queuePush(many(5))
  await db.queuePush(many(2, { delaySeconds: 5 }))
  await db.queuePush(many(3, { delaySeconds: 600 }))
  await db.queuePullMany({ pk, limit: 2, ttlSeconds: 60 })
  const counted = { ...nothing, ready: 3, inFlight: 2, delayed: 5, scheduled: 3 }
  expect(await db.queueStats(pk)).toEqual(counted)
  machine.pass(4999)
  expect(await db.queueStats(pk)).toEqual({ ...counted, oldestAgeSeconds: 4 })
  machine.pass(1)
  expect(await db.queueStats(pk)).toEqual({ ...counted, ready: 5, delayed: 3, oldestAgeSeconds: 5 })
  machine.pass(55_000)
  expect(await db.queueStats(pk)).toMatchObject({
    ready: 7,
    inFlight: 0,
    delayed: 3,
    oldestAgeSeconds: 60,
  })
})

test('what expired is not there, dead letters are counted apart, and another place can be named', async () => {
  const { machine, db } = open()
  await db.queuePush(many(1, { ttl: Math.floor(machine.wall / 1000) + 10 }))
  await db.queuePush(many(2))
  machine.pass(10_000)
  const { items } = await db.queuePullMany({ pk, limit: 2 })
  await db.queueRelease(items[0]!, { deadLetter: 'jobs#dead', reason: 'x' })
  await db.queueRelease(items[1]!, { deadLetter: 'graveyard', reason: 'x' })
  expect(await db.queueStats(pk)).toEqual({ ...nothing, dead: 1 })
  expect(await db.queueStats(pk, { deadLetter: 'graveyard' })).toMatchObject({ dead: 1 })
})

test('a delay begins the age anew; of one that was received its first time counts', async () => {
  const { machine, db } = open()
  await db.queuePush(many(1, { delaySeconds: 20 }))
  machine.pass(30_000)
  expect(await db.queueStats(pk)).toMatchObject({ ready: 1, oldestAgeSeconds: 10 })
  const { item } = await db.queuePull({ pk })
  machine.pass(7000)
  await db.queueRelease(item!, { delaySeconds: 3 })
  machine.pass(3000)
  expect(await db.queueStats(pk)).toMatchObject({ ready: 1, oldestAgeSeconds: 10 })
})

test('beyond its limit it says at least; of keys that are times the oldest is exact all the same', async () => {
  const { machine, db } = open()
  await db.queuePush(many(30))
  machine.pass(5000)
  await db.queuePush(many(5))
  expect(await db.queueStats(pk, { limit: 35 })).toMatchObject({ ready: 35, atLeast: false })
  expect(await db.queueStats(pk, { limit: 20 })).toMatchObject({
    ready: 20,
    atLeast: true,
    oldestIsExact: true,
    oldestAgeSeconds: 5,
  })
  expect(await db.queueStats(pk, { limit: Number.POSITIVE_INFINITY })).toMatchObject({
    ready: 35,
    atLeast: false,
  })
  // Keys of the caller's are no times.
  await db.queuePush(Array.from({ length: 20 }, (_, i) => ({ pk: 'named', sk: `k${i}` })))
  expect(await db.queueStats('named', { limit: 12 })).toMatchObject({
    ready: 12,
    atLeast: true,
    oldestIsExact: false,
  })
})

test('500 rows are counted unless the caller says otherwise, a fifth of it of dead letters and of what is due later', async () => {
  const { db } = open()
  await db.queuePush(many(501))
  await db.queuePush(many(101, { delaySeconds: 600 }))
  await db.queuePush(Array.from({ length: 101 }, () => ({ pk: 'jobs#dead' })))
  expect(await db.queueStats(pk)).toMatchObject({ ready: 500, scheduled: 100, dead: 100, atLeast: true })
  expect(await db.queueStats(pk, { limit: 40 })).toMatchObject({ ready: 40, scheduled: 10, dead: 10 })
  expect(await db.queueStats(pk, { limit: 3 })).toMatchObject({ ready: 3, scheduled: 3, dead: 3 })
  expect(await db.queueStats(pk, { limit: 510 })).toMatchObject({
    ready: 501,
    scheduled: 101,
    dead: 101,
    atLeast: false,
  })
})

test('the limit is shared by the shards, each of which shows five at least', async () => {
  const { db } = open()
  for (const shard of [0, 1])
    await db.queuePush(Array.from({ length: 30 }, () => ({ pk: `jobs#shard${shard}` })))
  expect(await db.queueStats(pk, { shards: 2, limit: 40 })).toMatchObject({ ready: 40, atLeast: true })
  expect(await db.queueStats(pk, { shards: 2, limit: 12 })).toMatchObject({ ready: 12 })
  expect(await db.queueStats(pk, { shards: 2, limit: 6 })).toMatchObject({ ready: 10 })
  expect(await db.queueStats(pk, { shards: 2, limit: 60 })).toMatchObject({ ready: 60, atLeast: false })
})

test('of many shards, or queues of a family, 64 are looked at, others at each reading', async () => {
  const { db } = open()
  await db.queuePush(Array.from({ length: 80 }, (_, i) => ({ pk: `jobs#shard${i}`, data: i })))
  const shards = { shards: 100 }
  expect(await db.queueStats(pk, shards)).toMatchObject({ ready: 64, atLeast: true, oldestIsExact: false })
  expect(await db.queueStats(pk, { ...shards, limit: Number.POSITIVE_INFINITY })).toMatchObject({
    ready: 80,
    atLeast: false,
  })
  const family = 'mails/'
  await db.queuePush(Array.from({ length: 80 }, (_, i) => ({ pk: `mails/${i}`, family })))
  await db.queuePush({ pk: 'mails/1', family, delaySeconds: 5 })
  expect(await db.queueStats({ family })).toMatchObject({ atLeast: true, oldestIsExact: false })
  expect(await db.queueStats({ family }, { limit: Number.POSITIVE_INFINITY })).toMatchObject({
    ready: 80,
    delayed: 1,
    atLeast: false,
  })
})

test.each([0, -1, 1.5, Number.NaN, '5'])('limit %j is refused', async (limit) => {
  await expect(open().db.queueStats(pk, { limit: limit as number })).rejects.toThrow(InvalidInput)
})
