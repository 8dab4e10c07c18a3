import fc from 'fast-check'
import { type AtomicDbInterface, anyOf, type Changes, type Condition, lockKey } from 'lockrow'
import type { Row } from 'lockrow/backend'
import { Decimal } from '../../src/model/numbers.ts'
import { maxItemBytes, rowBytes } from '../../src/model/sizes.ts'
import type { Step } from './agree.ts'

/** Steps whose arguments lie close to each limit, on both sides of it. */

const near = (limit: number, below = 3, above = 3) => fc.integer({ min: limit - below, max: limit + above })
const sk = fc.constantFrom('a', 'b')
const step = (title: string, of: unknown, run: Step['run']): Step => ({ title, of, run })

/** Texts of a number of bytes, in letters of one to four bytes. */
const letters = ['x', 'é', '€', '😀'] as const
function textOf(bytes: number, letter: string): string {
  const size = Buffer.byteLength(letter)
  return letter.repeat(Math.floor(bytes / size)) + 'x'.repeat(bytes % size)
}
const letter = fc.constantFrom(...letters)

/** Fillings whose own size in a row differs: containers, numbers, sets, names. */
const filling = fc.constantFrom<() => unknown>(
  () => 'text',
  () => new Uint8Array(7),
  () => [1, [2, [3]], {}],
  () => ({ a: { b: { c: null } }, é: true }),
  () => [0, -1, 1.5, 123456789, 10n ** 37n, -(10n ** 20n), 0.000001, 1e-100],
  () => new Set(['a', 'bc']),
  () => new Set([1, 22, -333]),
  () => Array.from({ length: 40 }, (_, i) => i * 101),
)

/** An item of just so many bytes. */
function itemOf(pk: string, at: string, bytes: number, inside: unknown, of: string) {
  const item = { pk, sk: at, data: { inside, t: '' } }
  item.data.t = textOf(Math.max(0, bytes - rowBytes(item as Row)), of)
  return item
}
const large = fc.record({ bytes: near(maxItemBytes, 60, 10), make: filling, of: letter })

const sizes = fc.oneof(
  fc
    .record({ sk, large })
    .map(({ sk: at, large: { bytes, make, of } }) =>
      step('set of 400 KB', { bytes, inside: make() }, (db, pk) => db.set(itemOf(pk, at, bytes, make(), of))),
    ),
  fc.record({ sk, large, grows: fc.nat(60) }).map(({ sk: at, large: { bytes, make, of }, grows }) =>
    step('update to 400 KB', { bytes, grows, inside: make() }, async (db, pk) => {
      await db.set(itemOf(pk, at, bytes - 60, make(), of))
      const changes: Changes = { set: { u: 'u'.repeat(grows) } }
      return (await db.update({ pk, sk: at }, changes)).applied
    }),
  ),
  fc
    .record({ large, type: fc.constantFrom('set', 'setIfAbsent') })
    .map(({ large: { bytes, make, of }, type }) =>
      step('transact of 400 KB', { bytes, inside: make() }, async (db, pk) =>
        db.transact([{ type: type as 'set', item: itemOf(pk, 'c', bytes, make(), of) }]),
      ),
    ),
  fc.record({ bytes: near(maxItemBytes - 4096, 20, 10), of: letter }).map(({ bytes, of }) =>
    step('message of 396 KB', { bytes }, async (db, pk) => {
      const [pushed] = await db.queuePush({ ...itemOf(`${pk}-queue`, 'm', bytes, 1, of) })
      return pushed!.data
    }),
  ),
)

const keys = fc
  .record({
    part: fc.constantFrom('pk', 'sk'),
    over: fc.integer({ min: -7, max: 4 }),
    of: letter,
    what: fc.constantFrom(
      'set',
      'get',
      'delete',
      'update',
      'getLock',
      'getLocked',
      'lock',
      'push',
      'query',
      'range',
    ),
  })
  .map(({ part, over, of, what }) =>
    step(`key, ${what}`, { part, over, of }, async (db, pk) => {
      const long = (prefix: string, limit: number) =>
        prefix + textOf(limit + over - Buffer.byteLength(prefix), of)
      const key = part === 'pk' ? { pk: long(pk, 2048), sk: 'a' } : { pk, sk: long('k', 1024) }
      switch (what) {
        case 'set':
          return db.set({ ...key, data: 1 })
        case 'get':
          return db.get(key)
        case 'delete':
          return db.delete(key)
        case 'update':
          return (await db.update(key, { add: { n: 1 } })).applied
        case 'getLock':
          return (await db.getLock(key)).ttl
        case 'getLocked':
          return (await db.getLocked([key])).length
        case 'lock':
          return (await db.getLock(lockKey(key))).ttl
        case 'push':
          return (await db.queuePush({ ...key, data: 1 })).length
        case 'query':
          return db.query(part === 'pk' ? key : { pk, sk: key.sk })
        default:
          return db.count({ pk: key.pk, from: key.sk, to: `${key.sk}` })
      }
    }),
  )

const nested = (depth: number, kind: 'list' | 'map' | 'both', inner: unknown = 1): unknown => {
  let value = inner
  for (let i = 0; i < depth; i++)
    value = kind === 'list' || (kind === 'both' && i % 2 === 0) ? [value] : { a: value }
  return value
}
const depths = fc
  .record({
    depth: near(31, 2, 2),
    kind: fc.constantFrom<'list' | 'map' | 'both'>('list', 'map', 'both'),
    inner: fc.constantFrom<() => unknown>(
      () => 1,
      () => new Set(['a']),
      () => [],
      () => ({}),
    ),
    what: fc.constantFrom('set', 'update', 'append', 'path', 'if', 'in', 'push', 'set twice'),
  })
  .map(({ depth, kind, inner, what }) =>
    step(`nesting, ${what}`, { depth, kind, inner: inner() }, async (db, pk) => {
      const key = { pk, sk: 'deep' }
      const value = nested(depth, kind, inner())
      await db.set({ ...key, data: { l: [], m: {} } })
      const changed = async (changes: Changes, condition?: Condition) =>
        (await db.update(key, changes, condition ? { if: condition } : {})).applied
      switch (what) {
        case 'set':
          await db.set({ ...key, data: value })
          return db.get(key)
        case 'update':
          return changed({ set: { m: value } })
        case 'append':
          return changed({ append: { l: [value] } })
        case 'path':
          return changed({ set: [[Array.from({ length: depth }, () => 'a'), inner()]] })
        case 'if':
          return changed({ set: { n: 1 } }, { m: { ne: value as never } })
        case 'in':
          return changed({ set: { n: 1 } }, anyOf({ m: { in: [value as never, {}] } }))
        case 'push':
          return (await db.queuePush({ pk: `${pk}-queue`, data: value })).length
        default:
          await db.set({ ...key, data: { m: nested(depth - 5, 'map', {}) } })
          return changed({
            set: [[['m', ...Array.from({ length: depth - 5 }, () => 'a'), 'x'], nested(4, 'list', inner())]],
          })
      }
    }),
  )

// DynamoDB Local fails with status 500 for names of 32,768 to 65,535 bytes, which the service takes.
const nameBytes = fc.oneof(
  near(255),
  near(4096),
  fc.integer({ min: 32_700, max: 32_767 }),
  fc.integer({ min: 65_536, max: 65_540 }),
)
const names = fc
  .record({
    bytes: nameBytes,
    of: letter,
    what: fc.constantFrom('set', 'path', 'inside', 'if', 'remove', 'fields', 'sub'),
  })
  .map(({ bytes, of, what }) =>
    step(`name, ${what}`, { bytes, of }, async (db, pk) => {
      const key = { pk, sk: 'names' }
      const name = textOf(bytes, of)
      await db.set({ ...key, data: { a: {} } })
      switch (what) {
        case 'set':
          await db.set({ ...key, data: { [name]: 1 } })
          return db.get(key)
        case 'path':
          return db.update(key, { set: [[[name], 1]] })
        case 'sub':
          return db.update(key, { set: [[[name, 'a'], 1]] })
        case 'inside':
          return db.update(key, { set: { b: [{ [name]: 1 }] } })
        case 'remove':
          return db.update(key, { remove: [[name]], set: { n: 1 } })
        case 'if':
          return db.update(key, { set: { n: 1 } }, { if: [[[name], { exists: false }]] })
        default:
          return db.query({ pk, fields: [[name]] })
      }
    }),
  )

const digits = fc
  .integer({ min: 36, max: 39 })
  .chain((count) =>
    fc
      .array(fc.nat(9), { minLength: count, maxLength: count })
      .map((all) => BigInt(`${(all[0] ?? 0) || 1}${all.slice(1).join('')}`)),
  )
const number = fc.oneof(
  digits,
  digits.map((value) => -value),
  fc.constantFrom(
    10n ** 37n,
    10n ** 38n - 1n,
    10n ** 38n,
    -(10n ** 38n),
    2n ** 53n,
    2n ** 53n - 1n,
    -(2n ** 53n),
  ),
  fc.constantFrom(
    2 ** 53,
    2 ** 53 - 1,
    -(2 ** 53),
    1e-128,
    1e-129,
    1.5e-129,
    1e-130,
    9e-130,
    1.25e-130,
    1e-131,
    5e-324,
  ),
  fc.constantFrom(0.1, 1 / 3, -1e-38, 1e-38, 1.7976931348623157e308, 123456789.125, -0),
)
const numbers = fc
  .record({
    one: number,
    other: number,
    what: fc.constantFrom('set', 'add', 'if', 'max', 'between', 'numbers', 'size'),
  })
  .map(({ one, other, what }) =>
    step(`number, ${what}`, { one, other }, async (db, pk) => {
      const key = { pk, sk: 'number' }
      await db.delete(key)
      await db.set({ ...key, data: { n: one } })
      switch (what) {
        case 'set':
          return db.get(key)
        case 'add':
          return db.update(key, { add: { n: other as number } })
        case 'max':
          return db.update(key, { max: { n: other as number } })
        case 'if':
          return db.update(key, { set: { touched: 1 } }, { if: { n: { lt: other as number } } })
        case 'between':
          return db.update(
            key,
            { set: { touched: 1 } },
            { if: { n: { between: [one as number, other as number] } } },
          )
        case 'numbers':
          return db.update(key, { addToSet: { s: new Set([one, other]) } })
        default:
          return db.update(key, { set: { touched: 1 } }, { if: { n: { size: other as number } } })
      }
    }),
  )

const position = fc.oneof(
  near(2 ** 31),
  near(2 ** 31 - 1),
  fc.constantFrom(0, 1, 99, 2 ** 32, 2 ** 53 - 1, 1e21),
)
const positions = fc
  .record({ at: position, what: fc.constantFrom('set', 'remove', 'if', 'add', 'inside') })
  .map(({ at, what }) =>
    step(`position, ${what}`, { at }, async (db, pk) => {
      const key = { pk, sk: 'list' }
      await db.set({ ...key, data: { l: [{ a: 1 }, 2] } })
      switch (what) {
        case 'set':
          return db.update(key, { set: { [`l[${at}]`]: 1 } })
        case 'remove':
          return db.update(key, { remove: [`l[${at}]`] })
        case 'add':
          return db.update(key, { add: { [`l[${at}]`]: 1 } })
        case 'inside':
          return db.update(key, { set: [[['l', at, 'a'], 1]] })
        default:
          return db.update(key, { set: { n: 1 } }, { if: { [`l[${at}]`]: { exists: false } } })
      }
    }),
  )

const limit = fc.oneof(
  near(2 ** 31),
  fc.constantFrom(0, 1, 1000, 1001, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 1e21, -1, 1.5),
)
const limits = fc
  .record({
    limit,
    what: fc.constantFrom('query', 'page', 'count', 'deleteRange', 'peek', 'pull', 'purge', 'redrive'),
  })
  .map(({ limit: most, what }) =>
    step(`limit, ${what}`, { most }, async (db: AtomicDbInterface, pk: string) => {
      await db.set([1, 2, 3].map((n) => ({ pk, sk: `l${n}`, data: n })))
      const queue = `${pk}-queue`
      if (what === 'pull') await db.queuePush({ pk: queue, data: 1 })
      switch (what) {
        case 'query':
          return db.query({ pk, sk: 'l', limit: most })
        case 'page':
          return (await db.page({ pk, sk: 'l', limit: most })).items
        case 'count':
          return db.count({ pk, sk: 'l', limit: most })
        case 'deleteRange':
          return db.deleteRange({ pk, sk: 'l' }, { limit: most })
        case 'peek':
          return (await db.queuePeek({ pk: queue, limit: most })).length
        case 'purge':
          return db.queuePurge(queue, { limit: most })
        case 'redrive':
          return db.queueRedrive({ from: `${queue}#dead`, limit: most })
        default:
          return (await db.queuePullMany({ pk: queue, limit: most })).items.length
      }
    }),
  )

const counts = fc
  .record({
    count: fc.oneof(near(100, 1, 1), near(25, 1, 1), near(50, 1, 1), near(150, 1, 1), near(300, 1, 1)),
    what: fc.constantFrom(
      'set',
      'getMany',
      'getTogether',
      'getLocked',
      'transact',
      'in',
      'changes',
      'parts',
      'fields',
      'push',
      'setAtomic',
      'deep',
      'maxima',
    ),
  })
  .map(({ count, what }) =>
    step(`count, ${what}`, { count }, async (db, pk) => {
      const all = <T>(make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i))
      const each = all((i) => ({ pk, sk: `c${i}` }))
      const key = { pk, sk: 'counts' }
      await db.set({ ...key, data: { n: 1 } })
      switch (what) {
        case 'set':
          return db.set(each.map((one) => ({ ...one, data: 1 })))
        case 'getMany':
          return db.getMany(each)
        case 'getTogether':
          return db.getTogether(each)
        case 'getLocked':
          return (await db.getLocked(each)).length
        case 'transact':
          return (await db.transact(each.map((item) => ({ type: 'set', item: { ...item, data: 1 } })))).locks
        case 'setAtomic':
          return (
            await db.setAtomic(
              each.slice(1).map((item) => ({ ...item, data: 1 })),
              await db.getLock(lockKey(key)),
            )
          ).length
        case 'in':
          return db.update(key, { set: { a: 1 } }, { if: { n: { in: all((i) => i) } } })
        case 'changes':
          return db.update(key, { set: Object.fromEntries(all((i) => [`f${i}`, i])) })
        case 'maxima':
          return db.update(key, { max: Object.fromEntries(all((i) => [`f${i}`, i])) })
        case 'deep':
          return db.update(key, { set: Object.fromEntries(all((i) => [`d${i}.a.b`, i])) })
        case 'parts':
          return db.update(key, { set: { a: 1 } }, { if: anyOf(...all((i): Condition => ({ n: i }))) })
        case 'fields':
          return db.query({ pk, sk: 'counts', fields: all((i) => `f${i}`) })
        default:
          return (await db.queuePush(all((i) => ({ pk: `${pk}-queue`, sk: `p${i}`, data: 1 })))).length
      }
    }),
  )

const mega = 1024 * 1024
const values = fc
  .record({
    bytes: fc.oneof(
      near(mega, 40, 40),
      near(2 * mega, 40, 40),
      near(390_000, 5, 5),
      near(maxItemBytes, 5, 5),
    ),
    parts: fc.integer({ min: 1, max: 7 }),
    what: fc.constantFrom('in', 'eq', 'check', 'set'),
  })
  .map(({ bytes, parts, what }) =>
    step(`values, ${what}`, { bytes, parts }, async (db, pk) => {
      const key = { pk, sk: 'values' }
      await db.set({ ...key, data: { n: 1, t: 'x' } })
      const one = Math.floor(bytes / parts)
      const texts = Array.from({ length: parts }, (_, i) =>
        'v'.repeat(i === 0 ? bytes - one * (parts - 1) : one),
      )
      const condition: Condition = what === 'in' ? { t: { in: texts } } : { t: { ne: texts as never } }
      if (what === 'check')
        return (await db.transact([{ type: 'check', key, if: { t: { ne: texts as never } } }])).locks
      if (what === 'set') return (await db.update(key, { set: { t: texts } })).applied
      return (await db.update(key, { set: { n: 2 } }, { if: condition })).applied
    }),
  )

const texts = fc
  .record({
    what: fc.constantFrom('idempotencyKey', 'group', 'deduplicationId', 'contains', 'beginsWith'),
    over: fc.integer({ min: -2, max: 2 }),
    of: letter,
  })
  .map(({ what, over, of }) =>
    step(`text, ${what}`, { over, of }, async (db, pk) => {
      const long = (bytes: number) => textOf(bytes + over, of)
      const queue = { pk: `${pk}-queue`, data: 1 }
      switch (what) {
        case 'idempotencyKey': {
          const idempotencyKey = pk + long(1000 - Buffer.byteLength(pk))
          return (await db.transact([{ type: 'set', item: { pk, sk: 't', data: 1 } }], { idempotencyKey }))
            .locks
        }
        case 'group':
          return (await db.queuePush({ ...queue, group: long(128) })).length
        case 'deduplicationId':
          return (await db.queuePush({ ...queue, deduplicationId: long(512) })).length
        default:
          await db.set({ pk, sk: 't', data: { t: long(1000) } })
          return db.update({ pk, sk: 't' }, { set: { n: 1 } }, { if: { t: { [what]: long(1000) } } as never })
      }
    }),
  )

const times = fc
  .record({
    ttl: fc.constantFrom(
      -1,
      0,
      0.5,
      1,
      1.5,
      2 ** 31,
      2 ** 53 - 1,
      2 ** 53,
      1e21,
      Number.NaN,
      253_402_300_800,
    ),
    seconds: fc.oneof(near(10 * 366 * 24 * 60 * 60, 1, 1), fc.constantFrom(0, -1, 1.5, 2 ** 31, 2 ** 53)),
    what: fc.constantFrom('ttl', 'update ttl', 'delay', 'visibility', 'release'),
  })
  .map(({ ttl, seconds, what }) =>
    step(`time, ${what}`, { ttl, seconds }, async (db, pk) => {
      const key = { pk, sk: 'time' }
      const queue = `${pk}-queue`
      switch (what) {
        case 'ttl':
          await db.set({ ...key, data: 1, ttl })
          return db.get(key)
        case 'update ttl':
          return db.update(key, { set: { n: 1 }, ttl })
        case 'delay':
          return (await db.queuePush({ pk: queue, data: 1, delaySeconds: seconds }))[0]!.processingTimeout
        case 'visibility':
          return (await db.queuePull({ pk: queue, ttlSeconds: seconds })).item?.data
        default:
          return db.queueRelease({ pk: queue, sk: 'none' }, { delaySeconds: seconds })
      }
    }),
  )

/** Rows as another program may write them. */
const foreignTtl = fc.constantFrom<unknown>(
  undefined,
  'soon',
  '',
  -1,
  0,
  1.5,
  10n ** 30n,
  new Decimal('1700000000.00000000000000000001'),
  null,
  [1],
  true,
)
const foreignData = fc.constantFrom<() => unknown>(
  () => undefined,
  () => 'text',
  () => null,
  () => ({}),
  () => ({ n: new Decimal('12345678901234567890.123456789012345678') }),
  () => ({ n: new Decimal('9.9999999999999999999999999999999999999e125') }),
  () => ({ n: new Decimal('-1e-130') }),
  () => ({ n: 10n ** 38n - 1n, s: new Set(['']) }),
  () => ({ n: '1', l: nested(29, 'both'), e: '', b: new Uint8Array(0) }),
)
const foreign = fc
  .record({
    ttl: foreignTtl,
    make: foreignData,
    what: fc.constantFrom(
      'get',
      'query',
      'count',
      'add',
      'if',
      'max',
      'set',
      'delete',
      'old',
      'unset',
      'together',
      'limit',
    ),
  })
  .map(({ ttl, make, what }) =>
    step(`foreign row, ${what}`, { ttl, data: make() }, async (db, pk, memory) => {
      const key = { pk, sk: 'foreign' }
      const row: Record<string, unknown> = { ...key }
      if (ttl !== undefined) row.ttl = ttl
      if (make() !== undefined) row.data = make()
      await memory.foreign(row as Row)
      switch (what) {
        case 'get':
          return db.get(key)
        case 'query':
          return db.query({ pk, sk: 'foreign' })
        case 'count':
          return db.count({ pk, sk: 'foreign' })
        case 'add':
          return db.update(key, { add: { n: 1 } })
        case 'max':
          return db.update(key, { max: { n: 5 } })
        case 'if':
          return db.update(key, { set: { touched: 1 } }, { if: { n: { gt: 1 } } })
        case 'set':
          return db.set({ ...key, data: 1 }, { returnOld: true })
        case 'delete':
          return db.update(key, { delete: true }, { if: { n: { exists: true } } })
        case 'old':
          return db.update(key, { set: { touched: 1 } }, { returnOld: true })
        case 'unset':
          return db.update(key, { set: { touched: 1 }, ttl: null })
        case 'limit':
          return db.update(key, { set: [[['l', 0, 'x'], 1]] })
        default:
          return db.getTogether([key])
      }
    }),
  )

/** By what they are close to. */
export const limitSteps: Record<string, fc.Arbitrary<Step>> = {
  sizes,
  keys,
  depths,
  names,
  numbers,
  positions,
  limits,
  counts,
  values,
  texts,
  times,
  foreign,
}
