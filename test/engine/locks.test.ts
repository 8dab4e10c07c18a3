import { AtomicMemoryDb, lockKey } from 'lockrow'
import { AtomicEngine } from 'lockrow/backend'
import { expect, test } from 'vitest'
import { MemoryStorage } from '../../src/memory/storage.ts'
import { Machine } from '../setup/machine.ts'

const key = { pk: 'p', sk: 's' }
const hour = 3_600_000

test('a lock is made at its first reading and stays the same; its last hour extends it and keeps its version', async () => {
  let now = 1_700_000_000_000
  const db = new AtomicMemoryDb({ now: () => now })
  const lock = await db.getLock(lockKey(key))
  expect(lock.ttl).toBe(now / 1000 + 24 * 3600)
  now += 22 * hour
  expect(await db.getLock(lockKey(key))).toEqual(lock)
  now += 1.5 * hour
  const refreshed = await db.getLock(lockKey(key))
  expect([refreshed.version, refreshed.ttl]).toEqual([lock.version, now / 1000 + 24 * 3600])
  now += 25 * hour
  expect((await db.getLock(lockKey(key))).version).not.toBe(lock.version)
})

test('a commit under a lock makes another version of it; items with their locks come together', async () => {
  const db = new AtomicMemoryDb()
  await db.set({ ...key, data: 1 })
  const [found] = await db.getLocked([key])
  expect(found!.item!.data).toBe(1)
  await db.setAtomic({ ...key, data: 2 }, found!.lock)
  expect((await db.getLock(lockKey(key))).version).not.toBe(found!.lock.version)
  await expect(db.setAtomic({ ...key, data: 3 }, found!.lock)).rejects.toMatchObject({
    code: 'RaceCondition',
  })
})

test('getLocked takes a list of keys: a single one is refused before anything is sent', async () => {
  const db = new AtomicMemoryDb()
  await expect(db.getLocked(key as never)).rejects.toMatchObject({ code: 'InvalidInput' })
  await expect(db.getLocked(undefined as never)).rejects.toMatchObject({ code: 'InvalidInput' })
})

test('a lock is refreshed in its last hour, for a day, and stays the same one', async () => {
  const machine = new Machine(1_700_000_000_000)
  const db = new AtomicEngine(new MemoryStorage(machine), { runtime: machine })
  const at = { pk: 'p', sk: 'a#lock' }
  const first = await db.getLock(at)
  expect(first.ttl).toBe(1_700_000_000 + 86_400)
  machine.pass((86_400 - 3601) * 1000)
  expect(await db.getLock(at)).toEqual(first)
  machine.pass(1000)
  expect(await db.getLock(at)).toEqual({ ...first, ttl: machine.wall / 1000 + 86_400 })
})
