import { type AtomicDbOperation, AtomicMemoryDb, InvalidInput, lockKey } from 'lockrow'
import { describe, expect, test } from 'vitest'
import { ItemsEngine } from '../../../src/engine/items-engine.ts'
import { MemoryStorage } from '../../../src/memory/storage.ts'
import { systemRuntime } from '../../../src/runtime.ts'
import { Machine } from '../../setup/machine.ts'

const key = { pk: 'p', sk: 'a' }
const open = () => {
  const machine = new Machine(1_700_000_000_000)
  return { machine, db: new AtomicMemoryDb({ runtime: machine }) }
}
const applied = (db: AtomicMemoryDb, ...operations: AtomicDbOperation[]) =>
  db.transact(operations).then(
    () => true,
    (error) => error.conflicts?.map(({ reason }: { reason: string }) => reason).join() ?? error,
  )

describe('check of an item', () => {
  const check = (condition: object): AtomicDbOperation => ({ type: 'check', key, if: condition as never })

  test('holds where its condition does', async () => {
    const { db } = open()
    await db.set({ ...key, data: { n: 1 } })
    expect([await applied(db, check({ n: 1 })), await applied(db, check({ n: 2 }))]).toEqual([
      true,
      'condition',
    ])
  })

  test('that needs no item holds without one, where one has expired, and where a lock lies', async () => {
    const { machine, db } = open()
    const none = check([['n', { exists: false }]] as never)
    expect(await applied(db, none)).toBe(true)
    await db.set({ ...key, data: { n: 1 }, ttl: machine.wall / 1000 + 5 })
    expect(await applied(db, none)).toBe('condition')
    machine.pass(5000)
    expect(await applied(db, none)).toBe(true)
    await db.delete(key)
    await db.getLock(key)
    expect([await applied(db, none), await applied(db, check({ n: 1 }))]).toEqual([true, 'condition'])
    await db.set({ ...key, data: { m: 1 } })
    expect(await applied(db, none)).toBe(true)
  })
})

describe('a lock', () => {
  test('is checked, and bumped, while it is as it was read', async () => {
    const { db } = open()
    const lock = await db.getLock(lockKey(key))
    const { locks } = await db.transact([{ type: 'check', lock }])
    expect(locks).toEqual([lock])
    const bumped = await db.transact([{ type: 'bump', lock }])
    expect(bumped.locks[0]).toMatchObject({ ...lockKey(key), version: expect.any(String) })
    expect(bumped.locks[0]!.version).not.toBe(lock.version)
    expect([await applied(db, { type: 'check', lock }), await applied(db, { type: 'bump', lock })]).toEqual([
      'lock',
      'lock',
    ])
  })

  test('is touched by its key: whoever has read it is told, also where nobody has', async () => {
    const { db } = open()
    const at = lockKey(key)
    const touch: AtomicDbOperation = { type: 'bump', key: at }
    expect(await applied(db, touch)).toBe(true)
    const lock = await db.getLock(at)
    expect(await applied(db, touch)).toBe(true)
    expect(await applied(db, { type: 'check', lock })).toBe('lock')
    expect((await db.getLock(at)).version).not.toBe(lock.version)
  })

  test('is none where an item lies, which stays as it is', async () => {
    const { db } = open()
    await db.set({ ...key, data: 1 })
    expect(await applied(db, { type: 'bump', key })).toBe(true)
    expect((await db.get(key))!.data).toBe(1)
  })
})

describe('set, setIfAbsent, delete and update', () => {
  test('do what they say, under their conditions', async () => {
    const { db } = open()
    const item = (data: unknown) => ({ ...key, data })
    expect(await applied(db, { type: 'setIfAbsent', item: item({ n: 1 }) })).toBe(true)
    expect(await applied(db, { type: 'setIfAbsent', item: item({ n: 9 }) })).toBe('exists')
    expect(await applied(db, { type: 'set', item: item({ n: 2 }), if: { n: 1 } })).toBe(true)
    expect(await applied(db, { type: 'set', item: item({ n: 3 }), if: { n: 1 } })).toBe('condition')
    expect(await applied(db, { type: 'update', key, changes: { add: { n: 5 } }, if: { n: 2 } })).toBe(true)
    expect(await applied(db, { type: 'update', key, changes: { add: { n: 5 } }, if: { n: 2 } })).toBe(
      'condition',
    )
    expect((await db.get(key))!.data).toEqual({ n: 7 })
    expect(await applied(db, { type: 'delete', key, if: { n: 2 } })).toBe('condition')
    expect(await applied(db, { type: 'delete', key, if: { n: 7 } })).toBe(true)
    expect(await db.get(key)).toBe(undefined)
    await db.set(item(1))
    expect(await applied(db, { type: 'delete', key })).toBe(true)
  })
})

test.each<[unknown, RegExp]>([
  [null, /operations\[0\]: must be an object with type/],
  [5, /operations\[0\]: must be an object/],
  [{ type: 'put' }, /operations\[0\]\.type: is not known/],
  [{ type: 'set', item: { ...key }, when: 1 }, /operations\[0\]/],
  [{ type: 'set', item: { pk: 'p' } }, /operations\[0\]\.item\.sk/],
  [{ type: 'check', key: { pk: '' }, if: {} }, /operations\[0\]\.key\.pk/],
  [{ type: 'check', key, if: { n: { like: 1 } } }, /operations\[0\]\.if/],
  [{ type: 'check', lock: { ...key } }, /operations\[0\]\.lock/],
  [{ type: 'bump', lock: { ...key } }, /operations\[0\]\.lock/],
  [{ type: 'bump', key: { pk: 'p' } }, /operations\[0\]\.key\.sk/],
  [{ type: 'delete', key: { sk: 'a' } }, /operations\[0\]\.key\.pk/],
  [{ type: 'delete', key, if: { n: { like: 1 } } }, /operations\[0\]\.if/],
  [{ type: 'update', key: { pk: 'p' }, changes: {} }, /operations\[0\]\.key\.sk/],
  [{ type: 'update', key, changes: { plus: { n: 1 } } }, /operations\[0\]\.changes/],
  [{ type: 'update', key, changes: { set: { n: 1 } }, if: { n: { like: 1 } } }, /operations\[0\]\.if/],
])('%j is refused by name', async (operation, text) => {
  const error = await open()
    .db.transact([operation as never])
    .catch((thrown) => thrown)
  expect(error).toBeInstanceOf(InvalidInput)
  expect(error.message).toMatch(text)
})

test('a database without queues refuses messages', async () => {
  const db = new ItemsEngine(new MemoryStorage(systemRuntime))
  await expect(db.transact([{ type: 'queuePush', item: { pk: 'q' } }])).rejects.toThrow(
    /is for a database with queues/,
  )
})
