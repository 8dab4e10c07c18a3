import { type AtomicDbInterface, AtomicMemoryDb, ConditionFailed, InvalidInput } from 'lockrow'
import { collection, NotUnique, ReferenceMissing, typed } from 'lockrow/collections'
import { expect, test } from 'vitest'
import { failure, fresh, onAllBackends } from './world.ts'

interface User {
  id: string
  email?: string
  name: string
  team?: string
  tags?: string[]
  age?: number
  visits?: number
}

const usersOf = (db: AtomicDbInterface, name = fresh()) =>
  collection(db, name, {
    schema: typed<User>(),
    key: 'id',
    unique: { email: 'email' },
    indexes: {
      team: { key: 'team', sort: 'age', project: ['name'], count: true },
      tag: { key: 'tags' },
      age: { sort: 'age' },
    },
  })

const ada: User = { id: 'ada', email: 'ada@x', name: 'Ada', team: 'red', tags: ['a', 'b'], age: 36 }
const bob: User = { id: 'bob', email: 'bob@x', name: 'Bob', team: 'red', tags: ['b'], age: 7 }

const ids = (page: { items: { id: string }[] }) => page.items.map(({ id }) => id)
const whole = {
  values: {
    team: [{ team: 'red' }, { team: 'blue' }],
    tag: ['a', 'b', 'c'].map((tags) => ({ tags })),
    email: ['ada@x', 'bob@x', 'c@x'].map((email) => ({ email })),
  },
}

onAllBackends('a collection', (open) => {
  test('writes an item with its entries, and all of them again when it changes', async () => {
    const users = usersOf(open())
    await users.insert(ada)
    await users.put(bob)
    expect(await users.get('ada')).toEqual(ada)
    expect(await users.get(bob)).toEqual(bob)
    expect(await users.getMany(['bob', 'nobody', { id: 'ada' }])).toEqual([bob, undefined, ada])
    expect(await users.by('email').get('bob@x')).toEqual(bob)
    expect(await users.by('team').list({ team: 'red' })).toEqual({
      items: [
        { id: 'bob', name: 'Bob' },
        { id: 'ada', name: 'Ada' },
      ],
    })
    expect(ids(await users.by('tag').list({ tags: 'b' }))).toEqual(['ada', 'bob'])
    expect(ids(await users.by('age').list({}, { from: 10 }))).toEqual(['ada'])
    expect(await users.by('team').count({ team: 'red' })).toBe(2)

    const changed = await users.update('ada', {
      set: { team: 'blue', age: 37 },
      remove: ['email'],
      append: { tags: ['c'] },
    })
    expect(changed).toEqual({
      applied: true,
      item: { id: 'ada', name: 'Ada', team: 'blue', tags: ['a', 'b', 'c'], age: 37 },
    })
    expect(await users.by('email').get('ada@x')).toBeUndefined()
    expect(await users.by('team').list({ team: 'red' })).toEqual({ items: [{ id: 'bob', name: 'Bob' }] })
    expect(await users.by('team').list({ team: 'blue' })).toEqual({ items: [{ id: 'ada', name: 'Ada' }] })
    expect(ids(await users.by('tag').list({ tags: 'c' }))).toEqual(['ada'])
    expect([
      await users.by('team').count({ team: 'red' }),
      await users.by('team').count({ team: 'blue' }),
    ]).toEqual([1, 1])

    expect(await users.delete('ada')).toEqual({ applied: true })
    expect(await users.get('ada')).toBeUndefined()
    expect(ids(await users.by('tag').list({ tags: 'b' }))).toEqual(['bob'])
    expect(await users.by('team').count({ team: 'blue' })).toBe(0)
    expect(await users.verify(whole)).toEqual({ items: 1, entries: 4, problems: [] })
  })

  test('insert refuses an item that is there, put replaces it', async () => {
    const users = usersOf(open())
    await users.insert(ada)
    const error = await failure(users.insert({ ...ada, email: 'c@x' }))
    expect(error).toBeInstanceOf(ConditionFailed)
    expect(error).not.toBeInstanceOf(NotUnique)
    await users.put({ id: 'ada', name: 'A' })
    expect(await users.get('ada')).toEqual({ id: 'ada', name: 'A' })
    expect(await users.verify(whole)).toEqual({ items: 1, entries: 0, problems: [] })
  })

  test('a value that is unique is refused with its owner, and free again after it is given up', async () => {
    const users = usersOf(open())
    await users.insert(ada)
    for (const write of [
      () => users.insert({ ...bob, email: 'ada@x' }),
      () => users.put({ ...bob, email: 'ada@x' }),
    ]) {
      const error = await failure(write())
      expect(error).toBeInstanceOf(NotUnique)
      expect(error).toBeInstanceOf(ConditionFailed)
      expect(error).toMatchObject({ index: 'email', fields: ['email'], owner: { id: 'ada' } })
    }
    await users.insert(bob)
    expect(await failure(users.update('bob', { set: { email: 'ada@x' } }))).toMatchObject({
      owner: { id: 'ada' },
    })
    await users.update('ada', { set: { email: 'c@x' } })
    expect((await users.update('bob', { set: { email: 'ada@x' } })).applied).toBe(true)
    expect(await users.by('email').get('ada@x')).toMatchObject({ id: 'bob' })
    expect((await users.verify(whole)).problems).toEqual([])
  })

  test('update asks its condition, and makes no item', async () => {
    const users = usersOf(open())
    expect(await users.update('ada', { set: { name: 'A' } })).toEqual({ applied: false })
    expect(await users.update('ada', { set: { team: 'A' } })).toEqual({ applied: false })
    await users.insert(ada)
    expect(await users.update('ada', { add: { visits: 1 } }, { if: { age: { lt: 10 } } })).toEqual({
      applied: false,
      item: ada,
    })
    expect(await users.update('ada', { add: { age: 1 } }, { if: { age: { lt: 10 } } })).toEqual({
      applied: false,
      item: ada,
    })
    expect(await users.update('ada', { add: { age: 1 } }, { if: { age: 36 } })).toEqual({
      applied: true,
      item: { ...ada, age: 37 },
    })
    expect(await users.delete('ada', { if: { age: 36 } })).toEqual({
      applied: false,
      item: { ...ada, age: 37 },
    })
    expect(await users.delete('ada', { if: { age: 37 } })).toEqual({ applied: true })
    expect(await users.delete('ada', { if: { age: 37 } })).toEqual({ applied: false })
    expect(await users.delete('ada')).toEqual({ applied: true })
  })

  test('lists by ranges, in both directions, page by page', async () => {
    const events = collection(open(), fresh('events'), {
      schema: typed<{ org: string; at: number; kind: string; id: string }>(),
      key: ['org', 'at', 'id'],
      indexes: { kind: { key: ['org', 'kind'], sort: 'at' } },
    })
    for (const at of [-5, 0, 3, 3.5, 10, 100])
      await events.put({ org: 'o', at, kind: at < 4 ? 'low' : 'high', id: `e${at}` })
    await events.put({ org: 'o#2', at: 1, kind: 'low', id: 'x' })
    const at = (page: { items: { at: number }[] }) => page.items.map((one) => one.at)
    expect(at(await events.list({ org: 'o' }))).toEqual([-5, 0, 3, 3.5, 10, 100])
    expect(at(await events.list({ org: 'o' }, { from: 0, to: 10 }))).toEqual([0, 3, 3.5, 10])
    expect(at(await events.list({ org: 'o' }, { from: 0, to: 10, exclude: 'both' }))).toEqual([3, 3.5])
    expect(at(await events.list({ org: 'o' }, { from: 0, to: 10, exclude: 'from', reverse: true }))).toEqual([
      10, 3.5, 3,
    ])
    expect(at(await events.list({ org: 'o', at: 3 }))).toEqual([3])
    expect(at(await events.list({ org: 'o', at: 3 }, { prefix: 'e' }))).toEqual([3])
    expect(at(await events.list({ org: 'o', at: 3 }, { prefix: 'f' }))).toEqual([])
    expect(at(await events.by('kind').list({ org: 'o', kind: 'low' }, { reverse: true }))).toEqual([
      3.5, 3, 0, -5,
    ])
    expect(await events.count({ org: 'o' }, { to: 3 })).toBe(3)
    expect(await events.by('kind').count({ org: 'o', kind: 'high' })).toBe(2)
    const first = await events.list({ org: 'o' }, { limit: 4 })
    const second = await events.list({ org: 'o' }, { limit: 4, cursor: first.cursor })
    expect([at(first), at(second), second.cursor]).toEqual([[-5, 0, 3, 3.5], [10, 100], undefined])
    expect(await failure(events.list({ org: 'o#2' }, { cursor: first.cursor }))).toBeInstanceOf(InvalidInput)
    const all: number[] = []
    for await (const one of events.each({ org: 'o' })) all.push(one.at)
    expect(all).toHaveLength(6)
    expect(await events.list({ org: 'o' }, { limit: 1, fields: ['kind'] })).toMatchObject({
      items: [{ org: 'o', at: -5, id: 'e-5', kind: 'low' }],
    })
  })

  test('dates, expiry and stamps', async () => {
    const db = open()
    const sessions = collection(db, fresh('sessions'), {
      schema: typed<{ id: string; user: string; until: Date; made?: Date; changed?: string }>(),
      key: 'id',
      dates: ['until', 'made'],
      ttl: 'until',
      stamps: { created: 'made', updated: 'changed' },
      unique: { user: 'user' },
      indexes: { until: { sort: 'until' } },
    })
    const past = new Date(Date.now() - 10_000)
    const later = new Date(Math.floor(Date.now() / 1000) * 1000 + 3_600_000)
    const first = await sessions.insert({ id: '1', user: 'ada', until: later })
    expect(first.made).toBeInstanceOf(Date)
    expect(await sessions.get('1')).toEqual(first)
    expect((await sessions.by('until').list({}, { from: later })).items).toEqual([first])
    expect(
      await sessions.update('1', { set: { user: 'bob' } }, { if: { until: { eq: later } } }),
    ).toMatchObject({ applied: true })
    expect(await failure(sessions.update('1', { set: { made: later } }))).toBeInstanceOf(InvalidInput)
    expect((await sessions.put({ id: '1', user: 'bob', until: later })).made).toEqual(first.made)
    // Expired, and its rows still there: the user is free.
    await sessions.update('1', { set: { until: past } })
    expect(await sessions.get('1')).toBeUndefined()
    expect(await sessions.by('user').get('bob')).toBeUndefined()
    await sessions.insert({ id: '2', user: 'bob', until: later })
    await sessions.insert({ id: '1', user: 'ada', until: later })
    expect(
      (await sessions.verify({ values: { user: [{ user: 'ada' }, { user: 'bob' }] } })).problems,
    ).toEqual([])
  })

  test('references must be there, and cannot be deleted', async () => {
    const db = open()
    const teams = collection(db, fresh('teams'), {
      schema: typed<{ id: string }>(),
      key: 'id',
      referenced: true,
    })
    const tasks = collection(db, fresh('tasks'), {
      schema: typed<{ id: string; team?: string; note?: string }>(),
      key: 'id',
      references: { team: teams },
    })
    expect(await failure(tasks.insert({ id: 't1', team: 'red' }))).toMatchObject({
      code: 'ReferenceMissing',
      reference: 'team',
    })
    await teams.insert({ id: 'red' })
    await tasks.insert({ id: 't1', team: 'red' })
    await tasks.put({ id: 't2', team: 'red' })
    expect(await failure(teams.delete('red'))).toMatchObject({ code: 'StillReferenced', count: 2 })
    await tasks.update('t1', { remove: ['team'] })
    await tasks.update('t2', { set: { note: 'x' } })
    expect(await failure(teams.delete('red'))).toMatchObject({ code: 'StillReferenced', count: 1 })
    expect(await failure(tasks.update('t1', { set: { team: 'blue' } }))).toBeInstanceOf(ReferenceMissing)
    await tasks.delete('t2')
    expect(await teams.delete('red')).toEqual({ applied: true })
  })

  test('soft deletes keep an item out of sight', async () => {
    const users = collection(open(), fresh(), {
      schema: typed<User>(),
      key: 'id',
      unique: { email: 'email' },
      softDelete: { days: 30 },
    })
    await users.insert(ada)
    await users.delete('ada')
    expect([
      await users.get('ada'),
      await users.by('email').get('ada@x'),
      (await users.list()).items,
    ]).toEqual([undefined, undefined, []])
    expect(await users.getDeleted('ada')).toEqual(ada)
    await users.insert({ ...bob, email: 'ada@x' })
    expect(await failure(users.restore('ada'))).toMatchObject({ code: 'NotUnique', owner: { id: 'bob' } })
    await users.delete('bob')
    expect(await users.restore('ada')).toEqual(ada)
    expect(await users.by('email').get('ada@x')).toEqual(ada)
    expect(await users.restore('ada')).toBeUndefined()
    await users.purge('ada')
    await users.purge('bob')
    expect([await users.get('ada'), await users.getDeleted('ada'), await users.getDeleted('bob')]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })
})

test('describe prints the access patterns', () => {
  const db = new AtomicMemoryDb()
  const schema = typed<{ org: string; id: string; mail: string; team: string; n: number; state: string }>()
  const users = collection(db, 'users', {
    schema,
    key: ['org', 'id'],
    shared: 'org',
    unique: { mail: { key: ['org', 'mail'], project: ['n'] } },
    indexes: {
      team: { key: 'team', sort: 'n', where: { state: ['open', 'new'] }, count: true },
      all: { sort: 'n', project: ['mail'] },
      gone: { key: 'n', retired: true },
    },
  })
  expect(users.describe().split('\n')).toEqual([
    '| access pattern | call | key | reads |',
    '|---|---|---|---|',
    '| one of users | `users.get({ org, id })` | `org#<org>`, `users##<id>` | 1 request |',
    '| users of one org, by id | `users.list({ org })` | `org#<org>`, `users##…` | 1 request a page |',
    "| users of one team, by n, where state open or new | `users.by('team').list({ team })` | `users##team#<team>`, `<n>#<org>#<id>` | 2 requests a page |",
    "| number of users of one team, where state open or new | `users.by('team').count({ team })` | `users##team#<team>`, `#count` | 1 request |",
    "| users, by n | `users.by('all').list()` | `users##all`, `<n>#<org>#<id>` | 1 request a page |",
    "| one of users by org and mail | `users.by('mail').get({ org, mail })` | `users##mail#<org>#<mail>`, `#` | 1 request |",
  ])
})
