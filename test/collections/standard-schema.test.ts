import { type } from 'arktype'
import { AtomicMemoryDb, InvalidInput } from 'lockrow'
import { collection, SchemaMismatch, typed } from 'lockrow/collections'
import * as v from 'valibot'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { failure } from './world.ts'

const inZod = z.object({
  id: z.string().min(1),
  age: z.number().int(),
  role: z.enum(['admin', 'member']).default('member'),
  tags: z.array(z.string()).optional(),
})
const inValibot = v.object({
  id: v.pipe(v.string(), v.minLength(1)),
  age: v.pipe(v.number(), v.integer()),
  role: v.optional(v.picklist(['admin', 'member']), 'member'),
  tags: v.optional(v.array(v.string())),
})
const inArktype = type({
  id: 'string >= 1',
  age: 'number.integer',
  role: "'admin' | 'member' = 'member'",
  'tags?': 'string[]',
})

const made = () => {
  const db = new AtomicMemoryDb()
  return [
    collection(db, 'zod', { schema: inZod, key: 'id', indexes: { age: { sort: 'age' } } }),
    collection(db, 'valibot', { schema: inValibot, key: 'id', indexes: { age: { sort: 'age' } } }),
    collection(db, 'arktype', { schema: inArktype, key: 'id', indexes: { age: { sort: 'age' } } }),
  ] as const
}

test('types follow from the schema', () => {
  const [zod, valibot, arktype] = made()
  type Item = { id: string; age: number; role: 'admin' | 'member'; tags?: string[] | undefined }
  expectTypeOf<NonNullable<Awaited<ReturnType<typeof zod.get>>>>().toEqualTypeOf<Item>()
  expectTypeOf<NonNullable<Awaited<ReturnType<typeof valibot.get>>>>().toEqualTypeOf<Item>()
  expectTypeOf<NonNullable<Awaited<ReturnType<typeof arktype.get>>>>().toExtend<Item>()
  expectTypeOf<Parameters<typeof zod.put>[0]['role']>().toEqualTypeOf<'admin' | 'member' | undefined>()
  expectTypeOf<Parameters<typeof valibot.put>[0]['role']>().toEqualTypeOf<'admin' | 'member' | undefined>()
  expectTypeOf<Parameters<typeof arktype.put>[0]['role']>().toEqualTypeOf<'admin' | 'member' | undefined>()
  // @ts-expect-error no such field
  void zod.update('a', { set: { nope: 1 } }).catch(() => {})
  // @ts-expect-error another type
  void zod.update('a', { set: { age: 'old' } }).catch(() => {})
  // @ts-expect-error no such index
  expect(() => zod.by('nope')).toThrow(InvalidInput)
})

describe.each(made().map((one) => [one.name, one] as const))('%s', (_, users) => {
  const bad = (given: unknown) => failure(users.insert(given as never))

  test('stores what the schema returns', async () => {
    expect(await users.insert({ id: 'a', age: 5 })).toEqual({ id: 'a', age: 5, role: 'member' })
    expect(await users.get('a')).toEqual({ id: 'a', age: 5, role: 'member' })
  })

  test('lists everything that is wrong, with its path', async () => {
    const error = (await bad({ id: 'b', age: 'old', role: 'admin', tags: ['x', 7] })) as SchemaMismatch
    expect(error).toBeInstanceOf(SchemaMismatch)
    expect(error).toBeInstanceOf(InvalidInput)
    expect(error.issues.map(({ path }) => path)).toEqual([['age'], ['tags', 1]])
    expect(error.message).toMatch(/age: .*tags\.1: /)
    expect(await users.get('b')).toBeUndefined()
  })

  test('fields that are set, and the item that an update makes', async () => {
    await users.put({ id: 'c', age: 5 })
    expect(await failure(users.update('c', { set: { role: 'king' as never } }))).toBeInstanceOf(
      SchemaMismatch,
    )
    expect(await failure(users.update('c', { add: { age: 0.5 } }))).toMatchObject({
      issues: [{ path: ['age'] }],
    })
    expect(await failure(users.update('c', { set: { nope: 1 } as never }))).toMatchObject({
      field: "changes 'nope'",
    })
    expect(await users.update('c', { set: { role: 'admin' }, add: { age: 1 } })).toEqual({
      applied: true,
      item: { id: 'c', age: 6, role: 'admin' },
    })
  })
})

test('a schema that transforms, with another one for what is stored', async () => {
  const schema = z.object({ id: z.string(), at: z.string().transform((text) => text.length) })
  const db = new AtomicMemoryDb()
  const plain = collection(db, 'a', { schema, key: 'id', indexes: { at: { sort: 'at' } } })
  expect(await plain.insert({ id: 'a', at: 'four' })).toEqual({ id: 'a', at: 4 })
  expect(await failure(plain.update('a', { add: { at: 1 } }))).toBeInstanceOf(SchemaMismatch)
  const stored = z.object({ id: z.string(), at: z.number().max(5) })
  const other = collection(db, 'a', { schema, stored, key: 'id', indexes: { at: { sort: 'at' } } })
  expect((await other.update('a', { add: { at: 1 } })).item).toEqual({ id: 'a', at: 5 })
  expect(await failure(other.update('a', { add: { at: 1 } }))).toBeInstanceOf(SchemaMismatch)
  const unchecked = collection(db, 'a', { schema, stored: false, key: 'id', indexes: { at: { sort: 'at' } } })
  expect((await unchecked.update('a', { add: { at: 1 } })).item).toEqual({ id: 'a', at: 6 })
})

test('a schema may take its time, and none is needed', async () => {
  const db = new AtomicMemoryDb()
  const slow = collection(db, 'slow', {
    schema: z.object({ id: z.string().refine(async (id) => id !== 'bad') }),
    key: 'id',
  })
  expect(await slow.insert({ id: 'a' })).toEqual({ id: 'a' })
  expect(await failure(slow.insert({ id: 'bad' }))).toBeInstanceOf(SchemaMismatch)
  const open = collection(db, 'open', { key: 'id' })
  expect(await open.insert({ id: 'a', any: [1] })).toEqual({ id: 'a', any: [1] })
  expect(() => collection(db, 'x', { schema: {} as never, key: 'id' })).toThrow(/Standard Schema/)
  expect(typed<{ a: 1 }>()['~standard'].validate(5)).toEqual({ value: 5 })
})

test('an issue of a field by itself names the field once', async () => {
  const users = collection(new AtomicMemoryDb(), 'users', { schema: inZod, key: 'id' })
  const error = await failure(users.update('a', { set: { role: 'king' as never } }))
  expect(error).toMatchObject({ field: 'changes.set.role' })
  expect((error as Error).message).toMatch(/^changes\.set\.role: does not fit the schema: Invalid/)
})

describe('a schema that keeps fields that it does not list', () => {
  const db = new AtomicMemoryDb()
  const id = 'a'

  test('of any kind: updates take them too', async () => {
    const zod = collection(db, 'zod', { schema: z.looseObject({ id: z.string() }), key: 'id' })
    const valibot = collection(db, 'valibot', { schema: v.looseObject({ id: v.string() }), key: 'id' })
    await zod.insert({ id, extra: 1 })
    await valibot.insert({ id, extra: 1 })
    expect((await zod.update(id, { set: { extra: 2 } })).item).toEqual({ id, extra: 2 })
    expect((await valibot.update(id, { set: { extra: 2 } })).item).toEqual({ id, extra: 2 })
  })

  test('of one kind: updates check them', async () => {
    const zod = collection(db, 'zod2', {
      schema: z.object({ id: z.string() }).catchall(z.number()),
      key: 'id',
    })
    const withRest = v.objectWithRest({ id: v.string() }, v.number())
    const valibot = collection(db, 'valibot2', { schema: withRest, key: 'id' })
    for (const some of [zod, valibot]) {
      await some.insert({ id, extra: 1 } as never)
      expect((await some.update(id, { set: { extra: 2 } } as never)).item).toEqual({ id, extra: 2 })
      expect(await failure(some.update(id, { set: { extra: 'x' } } as never))).toBeInstanceOf(SchemaMismatch)
    }
  })

  test('a strict one has no others', async () => {
    const zod = collection(db, 'zod3', { schema: z.strictObject({ id: z.string() }), key: 'id' })
    const valibot = collection(db, 'valibot3', { schema: v.strictObject({ id: v.string() }), key: 'id' })
    for (const some of [zod, valibot])
      expect(await failure(some.update(id, { set: { extra: 1 } as never }))).toMatchObject({
        field: "changes 'extra'",
      })
  })
})
