import { assert, type Kit, rejects } from './kit.ts'

const nested = (depth: number): unknown =>
  depth === 0 ? 'end' : depth % 2 ? [nested(depth - 1)] : { in: nested(depth - 1) }

const faithful: Record<string, unknown> = {
  text: 'plain, "quoted", \u0000 and \n, é € 😀, \u{10ffff}',
  'empty text': '',
  numbers: [
    0,
    1,
    -1,
    1.5,
    -0.1,
    1e-7,
    123456789.123,
    Number.MAX_SAFE_INTEGER,
    Number.MIN_SAFE_INTEGER,
    5e-130,
  ],
  'large whole numbers': [
    9007199254740993n,
    -9007199254740993n,
    10n ** 37n,
    12345678901234567890123456789012345678n,
  ],
  booleans: [true, false],
  null: null,
  'empty map and list': { map: {}, list: [] },
  bytes: [new Uint8Array([0, 1, 255]), new Uint8Array()],
  sets: {
    texts: new Set(['a', 'b', '']),
    numbers: new Set([1, 2.5, -3]),
    'mixed numbers': new Set([1, 9007199254740993n]),
    bytes: new Set([new Uint8Array([1]), new Uint8Array([2])]),
  },
  'field names': {
    'with space': 1,
    'a.b': 2,
    '#x': 3,
    ':y': 4,
    size: 5,
    set: 6,
    constructor: 7,
    toString: 8,
    '😀': 9,
  },
  'deep nesting': nested(31),
  'a list in a list': [[], [[1], [2, [3]]]],
}

const refused: Record<string, unknown> = {
  undefined: { a: { b: undefined } },
  'a function': { f: () => 1 },
  'a symbol': { s: Symbol('s') },
  'a symbol as a name': { [Symbol('s')]: 1 },
  NaN: Number.NaN,
  infinity: [Number.POSITIVE_INFINITY],
  'a number beyond 2^53': 2 ** 60,
  'a small bigint': { wei: 5n },
  'a bigint of 39 digits': 10n ** 38n,
  'a number too close to 0': 1e-131,
  'a Date': { when: new Date(0) },
  'a Map': new Map([['a', 1]]),
  'a class instance': new (class Point {
    x = 1
  })(),
  'an ArrayBuffer': new ArrayBuffer(2),
  'a Float64Array': new Float64Array(1),
  'an empty Set': new Set(),
  'a mixed Set': new Set<unknown>(['a', 1]),
  'a Set of booleans': new Set([true]),
  'the same bytes twice in a Set': new Set([new Uint8Array([1]), new Uint8Array([1])]),
  // biome-ignore lint/suspicious/noSparseArray: a hole is what is tested
  'a hole in an array': [1, , 2],
  'a field named __proto__': JSON.parse('{"a":{"__proto__":{"admin":true}}}'),
  'an empty field name': { '': 1 },
  'a lone surrogate': { text: 'a\ud800b' },
  'a lone surrogate in a name': { 'a\udc00': 1 },
  '32 levels': nested(32),
}

export function values({ db, test }: Kit): void {
  for (const [title, data] of Object.entries(faithful)) {
    test(`what goes in comes out equal: ${title}`, async (pk) => {
      const key = { pk, sk: 'value' }
      await db().set({ ...key, data })
      assert.deepEqual((await db().get(key, { consistent: true }))?.data, data)
      assert.deepEqual((await db().query({ pk }))[0]?.data, data)
      await db().update({ pk, sk: 'updated' }, { set: { '': data } })
      assert.deepEqual((await db().getMany([{ pk, sk: 'updated' }]))[0]?.data, data)
      await db().transact([{ type: 'set', item: { pk, sk: 'transacted', data } }])
      assert.deepEqual((await db().get({ pk, sk: 'transacted' }))?.data, data)
    })
  }

  for (const [title, data] of Object.entries(refused)) {
    test(`refused before it is sent: ${title}`, async (pk) => {
      const key = { pk, sk: 'value' }
      await rejects(
        db().set([
          { pk, sk: 'first', data: 1 },
          { ...key, data },
        ]),
        { code: 'InvalidInput' },
      )
      await rejects(db().update(key, { set: { field: data } }), { code: 'InvalidInput' })
      await rejects(
        db().transact([
          { type: 'set', item: { pk, sk: 'first' } },
          { type: 'set', item: { ...key, data } },
        ]),
        { code: 'InvalidInput' },
      )
      await rejects(
        db().queuePush([
          { pk, data: 1 },
          { pk, data },
        ]),
        { code: 'InvalidInput' },
      )
      assert.deepEqual(await db(1).query({ pk }), [])
    })
  }

  test('the path to a refused value is named', async (pk) => {
    const data = { list: [1, { when: new Date() }] }
    await rejects(db().set({ pk, sk: 'a', data }), { code: 'InvalidInput', field: 'data.list[1].when' })
    await rejects(
      db().set([
        { pk, sk: 'a' },
        { pk, sk: 'b', data },
      ]),
      { code: 'InvalidInput', field: 'items[1].data.list[1].when' },
    )
  })

  test('cyclic data is refused', async (pk) => {
    const data: Record<string, unknown> = {}
    data.self = data
    await rejects(db().set({ pk, sk: 'a', data }), { code: 'InvalidInput' })
  })

  test('stored names cannot pollute a prototype', async (pk) => {
    await db().set({ pk, sk: 'a', data: { constructor: { prototype: { polluted: true } } } })
    await db().update({ pk, sk: 'a' }, { set: { 'toString.polluted': true, hasOwnProperty: 1 } })
    await rejects(db().update({ pk, sk: 'a' }, { set: { '__proto__.polluted': true } }), {
      code: 'InvalidInput',
    })
    await rejects(db().update({ pk, sk: 'a' }, { set: [[['__proto__', 'polluted'], true]] }), {
      code: 'InvalidInput',
    })
    assert.equal(({} as { polluted?: boolean }).polluted, undefined)
    const item = await db().get<Record<string, unknown>>({ pk, sk: 'a' })
    assert.deepEqual(item?.data.toString, { polluted: true })
  })

  test('an item may have 400 KB, not more', async (pk) => {
    const own = Buffer.byteLength(`pk${pk}skadata`)
    const largest = 400 * 1024 - own
    await db().set({ pk, sk: 'a', data: 'x'.repeat(largest) })
    await rejects(db().set({ pk, sk: 'a', data: 'x'.repeat(largest + 1) }), {
      code: 'InvalidInput',
      limit: 409_600,
    })
    await rejects(db().set({ pk, sk: 'a', data: 'é'.repeat(largest / 2 + 1) }), { code: 'InvalidInput' })
    assert.equal((await db().get<string>({ pk, sk: 'a' }))?.data.length, largest)
  })
}
