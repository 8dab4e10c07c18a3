import { AtomicMemoryDb, RaceCondition } from 'lockrow'
import { collection, typed } from 'lockrow/collections'
import { describe, expect, test } from 'vitest'
import { CountedDb, failure } from './world.ts'

interface User {
  id: string
  email?: string
  name?: string
  team?: string
  visits?: number
}

const make = () => {
  const db = new CountedDb(new AtomicMemoryDb()) as CountedDb & AtomicMemoryDb
  const users = collection(db, 'users', {
    schema: typed<User>(),
    key: 'id',
    unique: { email: 'email' },
    indexes: { team: { key: 'team', project: ['name'] } },
  })
  return { db, users, plain: collection(db, 'plain', { schema: typed<User>(), key: 'id' }) }
}

describe('requests', () => {
  test('are no more than by hand', async () => {
    const { db, users, plain } = make()
    const took = async (work: Promise<unknown>) => {
      await work
      return db.take()
    }
    // Once for each process and collection: writers of a version are registered.
    expect(await took(users.insert({ id: 'z', team: 'red' }))).toBe('get update transact')
    expect(await took(plain.insert({ id: 'z' }))).toMatch(/^get update /)
    expect(await took(users.insert({ id: 'a', email: 'a@x', team: 'red' }))).toBe('transact')
    expect(await took(users.put({ id: 'a', email: 'a@x', team: 'blue' }))).toBe('get transact')
    expect(await took(users.put({ id: 'a', email: 'a@x', team: 'blue', visits: 3 }))).toBe('get update')
    expect(await took(users.update('a', { add: { visits: 1 } }))).toBe('update')
    expect(await took(users.update('a', { set: { team: 'red' } }))).toBe('get transact')
    expect(await took(users.update('a', { set: { team: 'red' } }))).toBe('get update')
    expect(await took(users.by('email').get('a@x'))).toBe('get getMany')
    expect(await took(users.by('team').list({ team: 'red' }))).toBe('page')
    expect(await took(users.delete('a'))).toBe('get transact')
    expect(await took(plain.insert({ id: 'a' }))).toBe('update')
    expect(await took(plain.put({ id: 'a' }))).toBe('update')
    expect(await took(plain.delete('a'))).toBe('update')
  })
})

describe('two at once', () => {
  test('an update of another field in between: the plan is made again', async () => {
    const { db, users } = make()
    await users.insert({ id: 'a', team: 'red', visits: 0 })
    const { transact } = db
    let others = 3
    db.transact = async (...args) => {
      if (others-- > 0) await users.update('a', { add: { visits: 1 } })
      return transact.apply(db, args)
    }
    await users.update('a', { set: { team: 'blue' } })
    expect(await users.get('a')).toEqual({ id: 'a', team: 'blue', visits: 3 })
    expect((await users.by('team').list({ team: 'red' })).items).toEqual([])
  })

  test('twenty moves and twenty counts of one item all count', async () => {
    const { users } = make()
    await users.insert({ id: 'a', team: 't', visits: 0 })
    const teams = Array.from({ length: 10 }, (_, i) => `t${i}`)
    await Promise.all([
      ...teams.map((team) => users.update('a', { set: { team } })),
      ...teams.map(() => users.update('a', { add: { visits: 1 } })),
    ])
    expect(await users.get('a')).toMatchObject({ visits: 10 })
    expect(
      (await users.verify({ values: { team: ['t', ...teams].map((team) => ({ team })) } })).problems,
    ).toEqual([])
  })

  test('of two who take one value one gets it', async () => {
    const { users } = make()
    const ends = await Promise.allSettled(
      Array.from({ length: 8 }, (_, i) => users.insert({ id: `u${i}`, email: 'one@x' })),
    )
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(new Set(ends.flatMap((end) => (end.status === 'rejected' ? [end.reason.code] : [])))).toEqual(
      new Set(['NotUnique']),
    )
  })

  test('what keeps changing ends as a RaceCondition', async () => {
    const { db, users } = make()
    await users.insert({ id: 'a', team: 'red', visits: 0 })
    const { transact } = db
    db.transact = async (...args) => {
      await users.update('a', { add: { visits: 1 } })
      return transact.apply(db, args)
    }
    const error = await failure(users.update('a', { set: { team: 'blue' } }))
    expect(error).toBeInstanceOf(RaceCondition)
    expect(error).toMatchObject({ attempts: 12 })
    expect((await users.verify({ values: { team: [{ team: 'blue' }] } })).problems).toEqual([])
  })
})

describe('clocks that differ', () => {
  test('a unique value that another item has taken after expiry stays with that one', async () => {
    let now = 1_700_000_000_000
    const db = new AtomicMemoryDb({
      runtime: { now: () => now, monotonic: () => now, random: () => 0.5, sleep: async () => {} },
    })
    const sessions = collection(db, 'sessions', {
      schema: typed<{ id: string; user: string; until: number; n?: number }>(),
      key: 'id',
      ttl: 'until',
      unique: { user: { key: 'user', project: ['n'] } },
    })
    await sessions.insert({ id: '1', user: 'ada', until: now / 1000 + 10 })
    now += 11_000
    await sessions.insert({ id: '2', user: 'ada', until: now / 1000 + 100 })
    // A clock that is behind: there the first one has not expired.
    now -= 11_000
    expect(await failure(sessions.update('1', { set: { n: 5 } }))).toMatchObject({
      code: 'NotUnique',
      owner: { id: '2' },
    })
    expect((await sessions.update('1', { set: { user: 'bob' } })).applied).toBe(true)
    expect(await sessions.by('user').get('ada')).toMatchObject({ id: '2' })
    expect((await sessions.delete('1')).applied).toBe(true)
    expect(await sessions.by('user').get('ada')).toMatchObject({ id: '2' })
  })
})
