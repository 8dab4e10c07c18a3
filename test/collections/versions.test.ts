import { AtomicMemoryDb } from 'lockrow'
import { collection, migrate, NewerVersion, typed } from 'lockrow/collections'
import { TestRuntime } from 'lockrow/testing'
import { describe, expect, test } from 'vitest'
import { failure } from './world.ts'

interface First {
  id: string
  name: string
  team: string
  n?: number
}
interface Second {
  id: string
  first: string
  last: string
  team: string
  n?: number
}

const hour = 3_600_000

const made = () => {
  const runtime = new TestRuntime()
  const pass = (ms: number) => runtime.advance(ms)
  const db = new AtomicMemoryDb({ runtime })
  const old = collection(db, 'users', {
    schema: typed<First>(),
    key: 'id',
    indexes: { team: { key: 'team', project: ['name'] } },
  })
  const young = (writeBack: 'update' | 'read' = 'update') =>
    collection(db, 'users', {
      schema: typed<Second>(),
      key: 'id',
      version: 2,
      upgrades: {
        2: ({ name, ...rest }: First) => ({ ...rest, first: name.split(' ')[0], last: name.split(' ')[1] }),
      },
      indexes: { team: { key: 'team', project: ['last'], changed: 2 } },
      writeBack,
    })
  return { db, old, young: young(), eager: young('read'), pass }
}
const before: First = { id: 'a', name: 'Ada Love', team: 'red' }
const after: Second = { id: 'a', first: 'Ada', last: 'Love', team: 'red' }
const red = { values: { team: [{ team: 'red' }, { team: 'blue' }] } }

describe('items of an earlier version', () => {
  test('are read as those of this one, and written as such with their next change', async () => {
    const { db, old, young } = made()
    await old.insert(before)
    expect(await young.get('a')).toEqual(after)
    expect((await db.get({ pk: 'users', sk: 'a' }))?.data).toEqual(before)
    // A change of a field that no index knows: the item is upgraded with it.
    expect(await young.update('a', { add: { n: 1 } }, { if: { last: 'Love' } })).toEqual({
      applied: true,
      item: { ...after, n: 1 },
    })
    expect((await db.get({ pk: 'users', sk: 'a' }))?.data).toEqual({ ...after, n: 1, $v: 2 })
    expect((await young.verify(red)).problems).toEqual([])
    expect(await young.update('a', { add: { n: 1 } })).toMatchObject({ applied: true, item: { n: 2 } })
    expect(await db.get({ pk: 'users##team#red', sk: 'a' })).toMatchObject({
      data: { id: 'a', last: 'Love' },
    })
  })

  test('can be written back when they are read', async () => {
    const { db, old, eager } = made()
    await old.insert(before)
    expect(await eager.get('a')).toEqual(after)
    expect((await db.get({ pk: 'users', sk: 'a' }))?.data).toEqual({ ...after, $v: 2 })
    expect((await eager.verify(red)).problems).toEqual([])
  })

  test('are deleted and moved with the entries that they had', async () => {
    const { old, young, pass } = made()
    await old.insert(before)
    await old.insert({ ...before, id: 'b' })
    await young.delete('a')
    await young.update('b', { set: { team: 'blue' } })
    await migrate(young, { refuseEarlier: true })
    pass(hour)
    expect((await migrate(young)).state).toBe('complete')
    expect((await young.by('team').list({ team: 'red' })).items).toEqual([])
    expect((await young.by('team').list({ team: 'blue' })).items).toEqual([{ id: 'b', last: 'Love' }])
    expect((await young.verify(red)).problems).toEqual([])
  })
})

test('a program of the earlier version neither reads nor writes items of the later one', async () => {
  const { db, old, young } = made()
  await young.insert(after)
  const untouched = (await db.get({ pk: 'users', sk: 'a' }))?.data
  for (const work of [
    () => old.get('a'),
    () => old.put(before),
    () => old.update('a', { add: { n: 1 } }),
    () => old.update('a', { set: { team: 'blue' } }),
    () => old.delete('a'),
  ])
    expect(await failure(work())).toBeInstanceOf(NewerVersion)
  const plain = collection(db, 'users', { schema: typed<First>(), key: 'id' })
  for (const work of [
    () => plain.put(before),
    () => plain.delete('a'),
    () => plain.update('a', { add: { n: 1 } }),
  ])
    expect(await failure(work())).toBeInstanceOf(NewerVersion)
  expect((await db.get({ pk: 'users', sk: 'a' }))?.data).toEqual(untouched)
})

test('an index that came later has no entry of earlier items, and cannot be read yet', async () => {
  const { db, old } = made()
  await old.insert(before)
  const third = collection(db, 'users', {
    schema: typed<First>(),
    key: 'id',
    version: 2,
    upgrades: { 2: (item: First) => item as never },
    indexes: {
      team: { key: 'team', project: ['name'], retired: true },
      name: { sort: 'name', since: 2 },
    },
  })
  expect(await failure(third.by('name').list())).toMatchObject({ code: 'IndexNotReady', index: 'name' })
  expect(() => third.by('team')).toThrow(/retired/)
  await third.update('a', { add: { n: 1 } })
  expect(await db.query({ pk: 'users##name' })).toHaveLength(1)
  expect(await db.query({ pk: 'users##team#red' })).toHaveLength(0)
})

test('an upgrade cannot move an item', async () => {
  const { db, old } = made()
  await old.insert(before)
  const moved = collection(db, 'users', {
    schema: typed<First>(),
    key: 'id',
    version: 2,
    upgrades: { 2: (item: First) => ({ ...item, id: 'z' }) },
  })
  expect(await failure(moved.update('a', { add: { n: 1 } }))).toMatchObject({ field: 'options.upgrades' })
})
