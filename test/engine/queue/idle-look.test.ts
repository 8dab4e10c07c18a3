import { AtomicMemoryDb } from 'lockrow'
import { AtomicEngine } from 'lockrow/backend'
import { expect, test } from 'vitest'
import { MemoryStorage } from '../../../src/memory/storage.ts'
import { Machine } from '../../setup/machine.ts'

const pk = 'jobs'
const pull = { pk, limit: 5, consistent: false, ttlSeconds: 60 }

function open() {
  const machine = new Machine(1_700_000_000_000)
  const storage = new MemoryStorage(machine)
  const strong: (boolean | undefined)[] = []
  const page = storage.page.bind(storage)
  storage.page = (range, options?: { consistent?: boolean }) => {
    strong.push(options?.consistent)
    return page(range)
  }
  const db = new AtomicEngine(storage, { runtime: machine })
  const other = new AtomicEngine(storage, { runtime: machine })
  const pulled = async (more: object = {}) => {
    strong.length = 0
    return { ...(await db.queuePullMany({ ...pull, ...more })), pages: [...strong] }
  }
  return { machine, db, other, pulled }
}

test('an idle queue is looked at by one eventual query', async () => {
  const { pulled } = open()
  expect(await pulled()).toEqual({ items: [], pages: [false] })
})

test('what others pushed is claimed by that query, in order', async () => {
  const { other, pulled } = open()
  await other.queuePush([1, 2, 3].map((data) => ({ pk, data })))
  const { items, pages } = await pulled()
  expect([items.map(({ data }) => data), pages]).toEqual([[1, 2, 3], [false]])
})

test('it says when the next of what it has seen is due, and remembers nothing of it', async () => {
  const { machine, other, pulled } = open()
  await other.queuePush([20, 10].map((delaySeconds) => ({ pk, delaySeconds })))
  const due = machine.wall + 10_000
  expect(await pulled()).toEqual({ items: [], nextDue: due, pages: [false] })
  machine.pass(10_000)
  const later = await pulled()
  expect([later.items.length, later.pages]).toEqual([1, [false]])
})

test('up to ten rows are a look; a longer queue is pulled from as usual', async () => {
  const { other, pulled } = open()
  await other.queuePush(Array.from({ length: 9 }, () => ({ pk, delaySeconds: 20 })))
  expect((await pulled()).pages).toEqual([false])
  await other.queuePush([1, 2].map(() => ({ pk, delaySeconds: 20 })))
  expect((await pulled()).pages.slice(0, 2)).toEqual([false, true])
})

test('what this process gave back is asked for by its key, strongly', async () => {
  const { machine, db, other, pulled } = open()
  await other.queuePush([1, 2].map((data) => ({ pk, data })))
  const { items } = await db.queuePullMany({ ...pull, consistent: true })
  await db.queueRelease(items[0]!)
  const again = await pulled()
  expect([again.items.map(({ data }) => data), again.pages.includes(true)]).toEqual([[1], true])
  machine.pass(60_000)
  expect((await pulled()).pages.includes(true)).toBe(true)
})

test('whose turn it is in a group is not told from what may be old; a queue without anything ready is', async () => {
  const { other, pulled } = open()
  expect((await pulled({ strict: true })).pages).toEqual([false])
  await other.queuePush({ pk, group: 'g', data: 1 })
  const { items, pages } = await pulled({ strict: true })
  expect([items.length, pages.slice(0, 2)]).toEqual([1, [false, true]])
})

test('a paused queue gives nothing, and what expired is not there', async () => {
  const { machine, other, pulled } = open()
  await other.queuePush([
    { pk, data: 'old', ttl: machine.wall / 1000 },
    { pk, data: 'new' },
  ])
  await other.queuePause(pk)
  expect(await pulled()).toMatchObject({ items: [], paused: true })
  await other.queueResume(pk)
  machine.pass(500)
  expect((await pulled()).items.map(({ data }) => data)).toEqual(['new'])
})

test('a message without a deadline of its own leaves no time of the next one', async () => {
  const db = new AtomicMemoryDb()
  await db.queuePush({ pk })
  expect(await db.queuePullMany(pull)).not.toHaveProperty('nextDue')
})
