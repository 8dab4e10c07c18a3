import { scanRows } from 'lockrow/backend'
import {
  collection,
  IndexNotReady,
  type MigrationProgress,
  migrate,
  NewerVersion,
  planMigration,
  typed,
} from 'lockrow/collections'
import { describe, expect, test } from 'vitest'
import { onBothBackends } from '../../setup/backends.ts'
import { failure, fresh } from '../world.ts'
import { ended, type First, filled, first, rate, type Second, second, twin, upgrade, users } from './world.ts'

describe('a live table', () => {
  test('items are upgraded beside writers of before; the new index is read when these have ended', async () => {
    const { db, old, young, pass } = await filled()
    const waiting = await migrate(young, rate)
    expect(waiting).toMatchObject({ state: 'waiting', written: 50, problems: [] })
    expect(waiting.waitUntil!.getTime()).toBeGreaterThan(db.runtime.now())
    expect(await failure(young.by('domain').list({ domain: 'd1' }))).toBeInstanceOf(IndexNotReady)
    // What was upgraded is not theirs any more, but they may still write others.
    expect(await failure(old.update('u1', { set: { team: 'x' } }))).toBeInstanceOf(NewerVersion)
    await old.insert({ id: 'late', email: 'late@d1' })
    pass(ended)
    expect(await migrate(young, rate)).toMatchObject({ state: 'complete', written: 1, removed: 4 })
    const { items } = await young.by('domain').list({ domain: 'd1' }, { limit: 1000 })
    expect(items).toHaveLength(18)
    expect(items).toContainEqual({ id: 'late', email: 'late@d1', domain: 'd1' })
    expect(await young.by('domain').count({ domain: 'd1' })).toBe(18)
    expect(await young.by('email').get('late@d1')).toMatchObject({ id: 'late' })
    expect(await young.verify()).toMatchObject({ items: 51, problems: [] })
    expect(await failure(old.insert({ id: 'more', email: 'more@d1' }))).toMatchObject({
      code: 'NewerVersion',
      message: expect.stringContaining('the collection has version 2'),
    })
    expect(await migrate(young, rate)).toMatchObject({ state: 'complete', looked: 0, written: 0 })
  })

  test('rows of an index that was removed are deleted, its counts too, and its name is not used again', async () => {
    const { db, young, pass } = await filled()
    pass(ended)
    expect((await migrate(young, rate)).state).toBe('complete')
    const { rows } = await scanRows(db)
    expect(rows.filter(({ pk }) => pk.startsWith('users##team'))).toEqual([])
    const third = collection(db, 'users', {
      schema: typed<Second>(),
      key: 'id',
      version: 3,
      upgrades: { 2: upgrade, 3: (item: Second) => ({ ...item }) },
      indexes: {
        domain: { key: 'domain', sort: 'email', count: true, since: 2 },
        team: { key: 'team', since: 3 },
      },
      unique: { email: { key: 'email', since: 2 } },
    })
    expect(await failure(third.delete('u1'))).toMatchObject({
      field: 'options.indexes.team',
      message: expect.stringContaining('has the name of one that was removed'),
    })
  })

  test('a reference that is new is counted, one that is retired is given up', async () => {
    const { db, pass } = twin()
    const teams = collection(db, 'teams', { schema: typed<{ id: string }>(), key: 'id', referenced: true })
    const old = collection(db, 'users', { schema: typed<First>(), key: 'id' })
    const at = (version: number, retired = false) =>
      collection(db, 'users', {
        schema: typed<First>(),
        key: 'id',
        version,
        upgrades: Object.fromEntries(
          [2, 3].slice(0, version - 1).map((to) => [to, (item: First) => ({ ...item })]),
        ),
        references: { team: { to: teams, fields: ['team'], since: 2, retired } },
      })
    const count = async () => (await db.get<{ n: number }>(teams.locate({ id: 'red' }).count))?.data.n
    await teams.insert({ id: 'red' })
    await old.insert({ id: 'a', email: 'a', team: 'red' })
    await old.insert({ id: 'b', email: 'b', team: 'none' })
    pass(ended)
    const blocked = await migrate(at(2), rate)
    expect(blocked).toMatchObject({ state: 'blocked', problems: [{ code: 'ReferenceMissing' }] })
    expect(await count()).toBe(1)
    expect(await failure(teams.delete('red'))).toMatchObject({ code: 'StillReferenced', count: 1 })
    await teams.insert({ id: 'none' })
    expect((await migrate(at(2), rate)).state).toBe('complete')
    pass(ended)
    expect((await migrate(at(3, true), rate)).state).toBe('complete')
    expect(await count()).toBe(0)
    expect(await teams.delete('red')).toMatchObject({ applied: true })
  })

  test('a collection that nobody has written to is complete from its first write on', async () => {
    const { db } = twin()
    const young = second(db)
    expect((await young.by('domain').list({ domain: 'd' })).items).toEqual([])
    await young.insert({ id: 'a', email: 'a@d', domain: 'd' })
    expect((await young.by('domain').list({ domain: 'd' })).items).toHaveLength(1)
    expect(await failure(first(db).insert({ id: 'b', email: 'b' }))).toBeInstanceOf(NewerVersion)
  })
})

describe('killed, stopped, and several at once', () => {
  test('it goes on where it was, whatever pages are under way', async () => {
    const { db, young, pass } = await filled(900)
    pass(ended)
    const seen: MigrationProgress[] = []
    let states = 0
    for (;;) {
      const stop = AbortSignal.abort()
      const { state } = await migrate(young, { ...rate, forMs: 1, onProgress: (one) => seen.push(one) })
      if (state === 'complete') break
      expect((await migrate(young, { ...rate, stop })).state).toBe('unfinished')
      expect(++states).toBeLessThan(200)
    }
    expect(Math.max(...seen.filter(({ phase }) => phase === 'last').map(({ looked }) => looked))).toBe(900)
    expect((await young.verify()).problems).toEqual([])
    expect(await young.count()).toBe(900)
    expect((await db.get<{ pass?: unknown }>({ pk: 'users##state', sk: '#' }))?.data.pass).toBeUndefined()
  })

  test('two migrators pass over nothing', async () => {
    const { young, pass } = await filled(700)
    pass(ended)
    const results = await Promise.all([1, 2, 3].map(() => migrate(young, rate)))
    expect(results.map(({ state }) => state)).toEqual(['complete', 'complete', 'complete'])
    expect(results.reduce((sum, { written }) => sum + written, 0)).toBeGreaterThanOrEqual(700)
    expect((await young.verify()).problems).toEqual([])
  })

  test('an abort ends it at once; the next one goes on', async () => {
    const { young, pass } = await filled(600)
    pass(ended)
    const controller = new AbortController()
    const run = migrate(young, { ...rate, signal: controller.signal, onProgress: () => controller.abort() })
    expect(await failure(run)).toMatchObject({ name: 'AbortError' })
    expect((await migrate(young, rate)).state).toBe('complete')
    expect((await young.verify()).problems).toEqual([])
  })

  test('a rate is kept, in units a second', async () => {
    const { young, pass } = await filled(20)
    pass(ended)
    const started = performance.now()
    const { wru } = await migrate(young, { wruPerSecond: 500 })
    expect(wru).toBeGreaterThan(100)
    // The last ones are paid for afterwards.
    expect(performance.now() - started).toBeGreaterThan(((wru - 30) / 500) * 1000 * 0.8)
  })
})

onBothBackends('a migration', ({ open }) => {
  test('of a collection with a partition for each item, by a scan', async () => {
    const db = open()
    const name = fresh()
    const make = (version: number) =>
      collection(db, name, {
        schema: typed<First>(),
        key: { partition: ['id'] },
        version,
        upgrades: version > 1 ? { 2: (item: First) => ({ ...item }) } : {},
        indexes: version > 1 ? { team: { key: 'team', since: 2 } } : {},
      })
    const [old, young] = [make(1), make(2)]
    for (const user of users(12)) await old.insert(user)
    expect(await migrate(young, rate)).toMatchObject({ state: 'waiting', written: 12 })
    expect(await planMigration(young)).toMatchObject({
      items: 12,
      byVersion: { 2: 12 },
      toWrite: 0,
      isComplete: false,
    })
    expect((await young.verify()).problems).toEqual([])
  })
})
