import { absent, allOf, anyOf, type Condition, exists, not } from '../../contract/conditions.ts'
import { path } from '../../contract/paths.ts'
import type { Conflict } from '../../errors.ts'
import { field } from '../../model/field-reference.ts'
import { assert, type Kit, rejects } from './kit.ts'

const data = {
  n: 5,
  m: 5,
  big: 9007199254740993n,
  text: 'hello',
  empty: '',
  flag: true,
  nothing: null,
  list: [1, 'two', { three: 3 }],
  map: { a: 1, b: { c: 2 } },
  texts: new Set(['x', 'y']),
  numbers: new Set([1, 2]),
  bytes: new Uint8Array([1, 2, 3]),
  'dotted.name': 1,
  max: 10,
}

const holding: Condition[] = [
  { n: 5 },
  { n: 5, text: 'hello', flag: true, nothing: null },
  { n: { eq: 5 } },
  { n: { ne: 6 } },
  { n: { gt: 4, lt: 6 } },
  { n: { gte: 5, lte: 5 } },
  { n: { between: [5, 9] } },
  { big: 9007199254740993n },
  { big: { gt: 9007199254740991 } },
  { n: 5n, m: { in: [1n, 5n] }, big: { gt: 5n }, max: { between: [10n, 2n ** 60n] } },
  { numbers: { contains: 2n }, list: { contains: 1n }, map: { eq: { a: 1n, b: { c: 2n } } } },
  { text: { between: ['a', 'hz'] } },
  { text: { gt: 'Hello' } },
  { n: { in: [1, 'x', 5] } },
  { map: { in: [{ b: { c: 2 }, a: 1 }] } },
  { n: { exists: true }, none: { exists: false }, 'none.deeper': { exists: false } },
  { text: { beginsWith: 'hel' } },
  { text: { contains: 'ell' } },
  { list: { contains: 'two' } },
  { list: { contains: { three: 3 } } },
  { texts: { contains: 'y' } },
  { numbers: { contains: 2 } },
  {
    text: { size: 5 },
    list: { size: { gte: 3 } },
    map: { size: 2 },
    texts: { size: { between: [1, 2] } },
    bytes: { size: 3 },
  },
  {
    n: { type: 'number' },
    text: { type: 'string' },
    list: { type: 'list' },
    map: { type: 'map' },
    nothing: { type: 'null' },
    texts: { type: 'stringSet' },
  },
  { map: { eq: { b: { c: 2 }, a: 1 } } },
  { list: { eq: [1, 'two', { three: 3 }] } },
  { texts: { eq: new Set(['y', 'x']) } },
  { bytes: new Uint8Array([1, 2, 3]) },
  { bytes: { lt: new Uint8Array([1, 2, 200]) } },
  { 'map.b.c': 2, 'list[1]': 'two', 'list[2].three': 3 },
  { [path('dotted.name')]: 1 },
  [[['dotted.name'], { lt: 2 }]],
  { n: field('m') },
  { n: { lt: field('max') }, 'map.a': { ne: field('n') } },
  { n: { between: [field('map.a'), field('max')] } },
  // A missing field satisfies `ne` only.
  { none: { ne: 1 } },
  { n: { ne: '5' } },
  not({ none: 1 }),
  not({ n: 6 }),
  not({ none: { lt: 1 } }),
  anyOf({ n: 1 }, { text: 'hello' }),
  allOf({ n: 5 }, { text: 'hello' }, not({ flag: false })),
  anyOf(absent, allOf({ n: { gt: 1 } }, anyOf({ m: 0 }, { m: 5 }))),
  exists,
  allOf(exists, { n: 5 }),
  { empty: '' },
]

const failing: Condition[] = [
  { n: 6 },
  { n: '5' },
  { n: 5, text: 'other' },
  { none: 1 },
  { none: null },
  { nothing: { exists: false } },
  { n: { ne: 5 } },
  { n: { gt: 5 } },
  { text: { gt: 1 } },
  { list: { lt: 5 } },
  { none: { lt: 5 } },
  { n: { between: [6, 9] } },
  { text: { between: [1, 9] } },
  { n: { in: ['5'] } },
  { n: { beginsWith: '5' } },
  { list: { contains: 2 } },
  { n: { contains: 5 } },
  { texts: { contains: 1 } },
  { n: { size: 1 } },
  { none: { size: { gte: 0 } } },
  { n: { type: 'string' } },
  { 'n.deeper': 1 },
  { 'list[9]': 1 },
  { 'map[0]': 1 },
  { n: field('none') },
  { n: { gt: field('text') } },
  not({ n: 5 }),
  anyOf({ n: 1 }, { n: 2 }),
  allOf({ n: 5 }, { n: 6 }),
  absent,
  { map: { eq: { a: 1 } } },
  { texts: { eq: new Set(['x']) } },
]

const malformed: unknown[] = [
  {},
  null,
  'n = 5',
  { n: { above: 1 } },
  { n: {} },
  { map: { a: 1 } },
  { n: [1, 2] },
  { n: { lt: true } },
  { n: { lt: null } },
  { n: { between: [2, 1] } },
  { n: { between: [1, 'a'] } },
  { n: { between: 1 } },
  { n: { in: [] } },
  { n: { in: Array.from({ length: 101 }, (_, i) => i) } },
  { n: { beginsWith: 1 } },
  { n: { exists: 1 } },
  { n: { size: 'big' } },
  { n: { type: 'text' } },
  { n: { eq: undefined, ne: undefined } },
  { n: Number.NaN },
  { 'a..b': 1 },
  anyOf(),
  field('n'),
  { n: field('n') },
  { n: { between: [1, field('n')] } },
  { n: { eq: new Date() } },
]

const show = (condition: unknown): string =>
  JSON.stringify(condition, (_, value) =>
    typeof value === 'bigint' ? `${value}n` : value instanceof Set ? [...value] : value,
  ) ?? String(condition)

/** Title and condition, numbered since some have the same text. */
const numbered = <T>(list: readonly T[]): [string, T][] =>
  list.map((condition, i) => [`${i}: ${show(condition)}`, condition])

export function conditions({ db, test }: Kit): void {
  for (const [title, condition] of numbered(holding)) {
    test(`holds, ${title}`, async (pk) => {
      const key = { pk, sk: 'a' }
      await db().set({ ...key, data })
      assert.equal((await db().update(key, { set: { seen: 1 } }, { if: condition })).applied, true)
      await db().transact([{ type: 'set', item: { ...key, data: 'set' }, if: condition }])
      assert.equal((await db(1).get(key))?.data, 'set')
    })
  }

  for (const [title, condition] of numbered(failing)) {
    test(`does not hold, ${title}`, async (pk) => {
      const key = { pk, sk: 'a' }
      await db().set({ ...key, data })
      assert.deepEqual(await db().update(key, { set: { seen: 1 } }, { if: condition }), {
        applied: false,
        item: { ...key, data },
      })
      for (const operation of [
        { type: 'set' as const, item: { ...key, data: 'set' }, if: condition },
        { type: 'delete' as const, key, if: condition },
        { type: 'update' as const, key, changes: { set: { seen: 1 } }, if: condition },
      ]) {
        const error = await rejects(db().transact([{ type: 'set', item: { pk, sk: 'b' } }, operation]), {
          code: 'ConditionFailed',
        })
        const [{ failed, ...conflict }, ...others] = error.conflicts as [
          Conflict & { failed: string[] },
          ...Conflict[],
        ]
        assert.deepEqual(conflict, { index: 1, key, reason: 'condition', current: { ...key, data } })
        assert.notEqual(failed.length, 0)
        assert.deepEqual(others, [])
      }
      assert.deepEqual((await db(1).query({ pk })).length, 1)
    })
  }

  for (const [title, condition] of numbered(malformed)) {
    test(`malformed, ${title}`, async (pk) => {
      const key = { pk, sk: 'a' }
      await rejects(db().update(key, { set: { seen: 1 } }, { if: condition as Condition }), {
        code: 'InvalidInput',
      })
      await rejects(db().transact([{ type: 'delete', key, if: condition as Condition }]), {
        code: 'InvalidInput',
      })
      assert.equal(await db().get(key), undefined)
    })
  }
}
