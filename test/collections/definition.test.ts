import { AtomicMemoryDb, InvalidInput } from 'lockrow'
import { collection, typed } from 'lockrow/collections'
import { describe, expect, test } from 'vitest'
import { failure } from './world.ts'

interface Item {
  id: string
  org: string
  team?: string
  tags?: string[]
  when?: Date
  n?: number
  self?: string
}

interface Listed {
  list(within: unknown): Promise<unknown>
}

const db = new AtomicMemoryDb()
const make = (options: Record<string, unknown>, name = 'items') =>
  collection(db, name, { schema: typed<Item>(), key: 'id', ...options } as {
    schema: ReturnType<typeof typed<Item>>
    key: 'id'
  })

describe('options that cannot be', () => {
  test.each<[Record<string, unknown>, string]>([
    [{ kye: 'id' }, 'options.kye'],
    [{ key: [] }, 'options.key'],
    [{ key: undefined }, 'options.key'],
    [{ key: ['id', 'id'] }, 'options.key'],
    [{ key: '$id' }, 'options.key'],
    [{ key: { partition: ['id'], order: [] } }, 'options.key.order'],
    [{ key: { to: () => ({}), fields: ['id'] } }, 'options.key.from'],
    [{ indexes: { 'a#b': { key: 'team' } } }, 'options.indexes.a#b'],
    [{ indexes: { refs: { key: 'team' } } }, 'options.indexes.refs'],
    [{ indexes: { team: {} } }, 'options.indexes.team'],
    [{ indexes: { team: { key: 'team', project: 'n', where: 5 } } }, 'options.indexes.team.where'],
    [{ indexes: { team: { key: 'team', where: { n: [new Date()] } } } }, 'options.indexes.team.where.n'],
    [{ indexes: { team: { fields: ['team'] } } }, 'options.indexes.team.fields'],
    [{ indexes: { team: { key: 'team', since: 2 } } }, 'options.indexes.team.since'],
    [{ indexes: { team: { key: 'team' } }, unique: { team: 'team' } }, 'options.unique.team'],
    [{ unique: { team: { key: [] } } }, 'options.unique.team'],
    [{ unique: { team: { key: 'team', sort: 'n' } } }, 'options.unique.team'],
    [{ indexes: { team: { key: 'team', count: true } }, ttl: 'n' }, 'options.indexes.team.count'],
    [{ referenced: true, ttl: 'n' }, 'options.referenced'],
    [{ references: { team: {} } }, 'options.references.team'],
    [{ stamps: { made: 'n' } }, 'options.stamps.made'],
    [{ softDelete: { days: 0 } }, 'options.softDelete.days'],
    [{ shared: 'a#b' }, 'options.shared'],
    [{ version: 0 }, 'options.version'],
    [{ version: 2 }, 'options.upgrades[2]'],
    [{ upgrades: { 2: () => ({}) } }, 'options.upgrades[2]'],
    [{ writeBack: 'never' }, 'options.writeBack'],
    [{ dates: [5] }, 'options.dates'],
    [{ schema: { parse: () => ({}) } }, 'options.schema'],
  ])('%o', (options, field) => {
    const error = (() => {
      try {
        return make(options)
      } catch (thrown) {
        return thrown
      }
    })()
    expect(error).toBeInstanceOf(InvalidInput)
    expect((error as InvalidInput).field).toBe(field)
  })

  test('names, and references to what does not look', () => {
    expect(() => make({}, 'a#b')).toThrow(/^name: /)
    const plain = make({})
    expect(() => make({ references: { self: plain } })).toThrow(/referenced: true/)
    const two = make({ key: ['org', 'id'], referenced: true }, 'two')
    expect(() => make({ references: { self: two } })).toThrow(/must name 2 fields/)
  })
})

describe('arguments that cannot be', () => {
  const items = make({
    key: ['org', 'id'],
    dates: ['when'],
    indexes: { team: { key: 'team', sort: ['n', 'when'] }, tags: { key: 'tags' } },
    unique: { self: 'self' },
  })
  const item = { org: 'o', id: 'i' }
  const any = items as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>
  test.each<[string, () => unknown, string]>([
    ['a missing key field', () => any.put!({ id: 'i' }), 'key.org'],
    ['a key of one value for two fields', () => any.get!('i'), 'key'],
    ['a key that no key can hold', () => any.get!({ org: 'o', id: {} }), 'key[0]'],
    ['a reserved name', () => any.put!({ ...item, $v: 1 }), 'item.$v'],
    ['no object', () => any.put!([]), 'item'],
    ['a Date that is not declared', () => any.put!({ ...item, n: new Date() }), 'item.n'],
    ['no Date where one is declared', () => any.put!({ ...item, when: 'now' }), 'item.when'],
    [
      'a value that no index can hold',
      () => any.put!({ ...item, team: {}, n: 1, when: new Date() }),
      'team[0]',
    ],
    [
      'too many entries',
      () => any.put!({ ...item, tags: Array.from({ length: 99 }, (_, i) => `t${i}`) }),
      'item.tags',
    ],
    ['an entry that is too long', () => any.put!({ ...item, self: 'x'.repeat(2048) }), "index 'self'.pk"],
    ['a changed key field', () => any.update!(item, { set: { id: 'j' } }), "changes 'id'"],
    ['a changed path of a key field', () => any.update!(item, { set: { 'id.x': 'j' } }), "changes 'id'"],
    ['the whole item as a change', () => any.update!(item, { set: { '': {} } }), 'changes'],
    ['a deletion as a change', () => any.update!(item, { delete: true }), 'changes.delete'],
    ['an expiry as a change', () => any.update!(item, { ttl: 5 }), 'changes.ttl'],
    ['an unknown option', () => any.update!(item, { set: { n: 1 } }, { when: 1 }), 'options.when'],
    ['an unknown option of a read', () => any.get!(item, { fields: [] }), 'options.fields'],
    ['an unknown option of a list', () => any.list!({ org: 'o' }, { order: 'desc' }), 'options.order'],
    ['no partition', () => any.list!({}), 'within.org'],
    ['a field of no key', () => any.list!({ org: 'o', n: 1 }), 'within.n'],
    ['a bound behind the last field', () => any.list!(item, { from: 1 }), 'from'],
    [
      'a gap',
      () =>
        (items as unknown as { by(name: string): Listed }).by('team').list({ team: 'a', when: new Date() }),
      'within.when',
    ],
    ['a cursor of another list', () => any.list!({ org: 'o' }, { cursor: 'x' }), 'cursor'],
    ['no soft deletes', () => any.restore!(item), 'restore'],
  ])('%s', async (_, work, field) => {
    const error = await failure(Promise.resolve().then(work))
    expect(error).toBeInstanceOf(InvalidInput)
    expect((error as InvalidInput).field).toBe(field)
  })

  test('an index that is not there, or of the other kind', async () => {
    const by = (name: string) =>
      items.by(name as never) as { list(): Promise<unknown>; get(): Promise<unknown> }
    expect(() => by('taem')).toThrow(/did you mean 'team'/)
    expect(await failure(by('self').list())).toMatchObject({ code: 'InvalidInput' })
    expect(await failure(by('team').get())).toMatchObject({ code: 'InvalidInput' })
  })
})

describe('keys', () => {
  test.each<[Record<string, unknown>, { pk: string; sk: string }]>([
    [{ key: 'id' }, { pk: 'items', sk: 'i$c1' }],
    [{ key: ['org', 'id'] }, { pk: 'items#o', sk: 'i$c1' }],
    [{ key: { partition: ['id'] } }, { pk: 'items#i$c1', sk: '#' }],
    [{ key: { partition: ['org', 'id'], sort: ['n'] } }, { pk: 'items#o#i$c1', sk: '$6501' + '7' }],
    [
      { key: ['org', 'id'], shared: 'org' },
      { pk: 'org#o', sk: 'items##i$c1' },
    ],
    [
      { key: 'id', shared: 'all' },
      { pk: 'all', sk: 'items##i$c1' },
    ],
    [
      { key: ['when', 'id'], dates: ['when'] },
      { pk: 'items#$81970-01-01T00:00:00.000Z', sk: 'i$c1' },
    ],
  ])('%o', (options, key) => {
    expect(make(options).keyOf({ org: 'o', id: 'i#1', n: 7, when: new Date(0) } as never)).toEqual(key)
  })

  test('of the caller: what cannot be read back is refused', async () => {
    const own = (from: (key: { sk: string }) => Record<string, unknown>) =>
      make({ key: { fields: ['id'], to: ({ id }: Item) => ({ pk: 'own', sk: id.toLowerCase() }), from } })
    const items = own(({ sk }) => ({ id: sk }))
    await items.put({ id: 'a', org: 'o' })
    expect(await items.get('a')).toEqual({ id: 'a', org: 'o' })
    expect((await db.get({ pk: 'own', sk: 'a' }))?.data).toEqual({ id: 'a', org: 'o' })
    expect(await failure(items.put({ id: 'A', org: 'o' }))).toMatchObject({
      code: 'InvalidInput',
      field: 'key',
    })
    expect(await failure(own(() => ({})).put({ id: 'a', org: 'o' }))).toMatchObject({ field: 'key' })
    expect(await failure(items.list())).toMatchObject({ code: 'InvalidInput' })
  })

  test('several collections in one partition do not see each other', async () => {
    const users = make({ key: ['org', 'id'], shared: 'org', indexes: { team: { key: 'team' } } }, 'users')
    const tasks = make({ key: ['org', 'id'], shared: 'org' }, 'tasks')
    await users.put({ org: 'o', id: '1', team: 'red' })
    await tasks.put({ org: 'o', id: '1' })
    expect((await users.list({ org: 'o' } as never)).items).toEqual([{ org: 'o', id: '1', team: 'red' }])
    expect((await tasks.list({ org: 'o' } as never)).items).toEqual([{ org: 'o', id: '1' }])
    expect(await db.query({ pk: 'org#o' })).toHaveLength(2)
  })
})
