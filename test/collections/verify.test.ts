import { AtomicMemoryDb, transaction } from 'lockrow'
import { collection, typed } from 'lockrow/collections'
import { expect, test } from 'vitest'
import { failure } from './world.ts'

const made = () => {
  const db = new AtomicMemoryDb()
  const users = collection(db, 'users', {
    schema: typed<{ org: string; id: string; team?: string; name?: string; email?: string }>(),
    key: ['org', 'id'],
    indexes: { team: { key: 'team', project: ['name'], count: true } },
    unique: { email: 'email' },
  })
  const options = {
    partitions: [{ org: 'o' }],
    values: { team: [{ team: 'red' }, { team: 'blue' }], email: [{ email: 'a@x' }] },
  }
  return { db, users, options }
}

test('what is right has no problem', async () => {
  const { users, options } = made()
  await users.insert({ org: 'o', id: 'a', team: 'red', name: 'A', email: 'a@x' })
  expect(await users.verify(options)).toEqual({ items: 1, entries: 2, problems: [] })
  expect(await failure(users.verify({ values: { nope: [] } }))).toMatchObject({ code: 'InvalidInput' })
  // All that is there, by a scan.
  expect(await users.verify()).toEqual({ items: 1, entries: 2, problems: [] })
})

test.each([
  ['missing', { pk: 'users##team#red', sk: 'o#a' }, undefined],
  ['stale', { pk: 'users##team#red', sk: 'o#a' }, { org: 'o', id: 'a', name: 'B' }],
  ['orphan', { pk: 'users##team#blue', sk: 'o#a' }, { org: 'o', id: 'a', name: 'A' }],
  ['orphan', { pk: 'users##team#blue', sk: 'o#z' }, { org: 'o', id: 'z', name: 'Z' }],
  ['missing', { pk: 'users##email#a@x', sk: '#' }, undefined],
  ['stale', { pk: 'users##email#a@x', sk: '#' }, { org: 'o', id: 'z' }],
])('%s: %o', async (kind, key, data) => {
  const { db, users, options } = made()
  await users.insert({ org: 'o', id: 'a', team: 'red', name: 'A', email: 'a@x' })
  if (data) await db.set({ ...key, data })
  else await db.delete(key)
  const { problems } = await users.verify(options)
  expect(problems.filter((one) => one.kind !== 'count')).toEqual([
    { kind, index: key.pk.split('##')[1]!.split('#')[0], key },
  ])
})

test('a wrong count, and a ttl that only the entry has', async () => {
  const { db, users, options } = made()
  await users.insert({ org: 'o', id: 'a', team: 'red', name: 'A' })
  await db.set({ pk: 'users##team#red', sk: '#count', data: { n: 2 } })
  expect((await users.verify(options)).problems).toEqual([
    { kind: 'count', index: 'team', key: { pk: 'users##team#red', sk: '#count' } },
  ])
  await db.set({ pk: 'users##team#red', sk: '#count', data: { n: 1 } })
  await db.update({ pk: 'users##team#red', sk: 'o#a' }, { ttl: 9_999_999_999 })
  expect((await users.verify(options)).problems).toMatchObject([{ kind: 'stale' }])
})

test('others may write meanwhile', async () => {
  const { db, users, options } = made()
  for (let i = 0; i < 20; i++) await users.insert({ org: 'o', id: `u${i}`, team: 'red' })
  const writing = (async () => {
    for (let i = 0; i < 60; i++) {
      await new Promise(setImmediate)
      await transaction(db, async (tx) => {
        await users.in(tx).update({ org: 'o', id: `u${i % 20}` }, { set: { team: i % 3 ? 'red' : 'blue' } })
      })
    }
  })()
  for (let i = 0; i < 5; i++) expect((await users.verify(options)).problems).toEqual([])
  await writing
})
