import type { Changes } from '../../contract/changes.ts'
import { absent, exists } from '../../contract/conditions.ts'
import { path } from '../../contract/paths.ts'
import { assert, type Kit, rejects, seconds } from './kit.ts'

const start = {
  n: 5,
  text: 'abc',
  list: [1, 2, 3],
  map: { a: { b: 1 } },
  set: new Set(['x', 'y']),
  'a.b': 1,
  flag: true,
}

/** Changes and the data after them, from `start`. */
const changes: Record<string, [Changes, Record<string, unknown>]> = {
  'set a field, new and old': [{ set: { n: 1, fresh: 'v' } }, { n: 1, fresh: 'v' }],
  'set by a deep path': [{ set: { 'map.a.b': 2, 'map.a.c': 3 } }, { map: { a: { b: 2, c: 3 } } }],
  'set makes missing parents': [{ set: { 'p.q.r': 1, 'p.q.s': 2 } }, { p: { q: { r: 1, s: 2 } } }],
  'set a list element, and behind the end': [{ set: { 'list[0]': 9, 'list[7]': 8 } }, { list: [9, 2, 3, 8] }],
  'a missing list is made': [{ set: { 'new[0].x': 1 } }, { new: [{ x: 1 }] }],
  'a name with a dot, as text and as an array': [
    { set: { [path('a.b')]: 2 }, add: [[['map', 'x.y'], 1]] },
    { 'a.b': 2, map: { a: { b: 1 }, 'x.y': 1 } },
  ],
  setIfAbsent: [{ setIfAbsent: { n: 1, fresh: 1, 'map.a.b': 9, 'q.r': 1 } }, { fresh: 1, q: { r: 1 } }],
  'add, to a missing field and below a missing parent': [
    { add: { n: -7, fresh: 2, 'p.q': 1.5 } },
    { n: -2, fresh: 2, p: { q: 1.5 } },
  ],
  'max and min': [
    { max: { n: 9, fresh: 1 }, min: { 'map.a.b': 3, other: 4 } },
    { n: 9, fresh: 1, other: 4 },
  ],
  'max that does not apply, with another change': [{ max: { n: 4 }, set: { text: 'z' } }, { text: 'z' }],
  'bigints up to 2^53 count as the numbers that they equal': [
    {
      set: { flag: 3n },
      setIfAbsent: { fresh: -1n },
      add: { n: 5n, wei: 0n },
      max: { high: 7n, 'map.a.b': 1n },
      min: { low: BigInt(Number.MAX_SAFE_INTEGER) },
      addToSet: { nums: [1n, 1, 2n ** 60n] },
    },
    {
      flag: 3,
      fresh: -1,
      n: 10,
      wei: 0,
      high: 7,
      low: Number.MAX_SAFE_INTEGER,
      nums: new Set([2n ** 60n, 1]),
    },
  ],
  'append and prepend': [
    { append: { list: [4, 'x'], fresh: [1] }, prepend: { 'p.l': [0] } },
    { list: [1, 2, 3, 4, 'x'], fresh: [1], p: { l: [0] } },
  ],
  'prepend keeps the order given': [{ prepend: { list: [-1, 0] } }, { list: [-1, 0, 1, 2, 3] }],
  'add to a set, and a new one': [
    { addToSet: { set: ['y', 'z'], nums: [1, 2] } },
    { set: new Set(['x', 'y', 'z']), nums: new Set([1, 2]) },
  ],
  'remove from a set': [
    { removeFromSet: { set: new Set(['x', 'q']), fresh: ['a'] } },
    { set: new Set(['y']) },
  ],
  'the last member takes the field along': [{ removeFromSet: { set: ['x', 'y'] } }, { set: undefined }],
  'remove fields, list elements, and what is not there': [
    { remove: ['text', 'list[0]', ['list', 2], 'none', 'no.parent'] },
    { text: undefined, list: [2] },
  ],
  'remove and set in one list': [{ remove: ['list[0]'], set: { 'list[1]': 9 } }, { list: [9, 3] }],
  'what is set behind the end is not removed, and comes in the order of positions': [
    { remove: ['list[3]'], set: { 'list[9]': 'z', 'list[5]': 'y' } },
    { list: [1, 2, 3, 'y', 'z'] },
  ],
  'remove below a missing parent only': [{ remove: ['none.x'] }, {}],
}

export function updates({ db, clock, test }: Kit): void {
  for (const [title, [change, difference]] of Object.entries(changes)) {
    test(`update: ${title}`, async (pk) => {
      const key = { pk, sk: 'a' }
      const expected = Object.fromEntries(
        Object.entries({ ...start, ...difference }).filter(([, value]) => value !== undefined),
      )
      await db().set({ ...key, data: start })
      const result = await db().update(key, change)
      assert.deepEqual(result, { applied: true, item: { ...key, data: expected } })
      assert.deepEqual((await db(1).get(key))?.data, expected)
      // The same in a transaction, and with a token.
      await db().set({ ...key, data: start })
      await db().transact([{ type: 'update', key, changes: change }])
      assert.deepEqual((await db().get(key, { consistent: true }))?.data, expected)
      await db().set({ ...key, data: start })
      assert.deepEqual((await db().update(key, change, { exactlyOnce: true })).item?.data, expected)
    })
  }

  test('an update makes the item where that makes sense', async (pk) => {
    assert.deepEqual((await db().update({ pk, sk: 'counter' }, { add: { '': 5 } })).item?.data, 5)
    assert.deepEqual((await db().update({ pk, sk: 'counter' }, { add: { '': -7 } })).item?.data, -2)
    assert.deepEqual(
      (await db().update({ pk, sk: 'map' }, { add: { 'a.b': 1 }, append: { l: [1] } })).item?.data,
      { a: { b: 1 }, l: [1] },
    )
    assert.deepEqual(await db().update({ pk, sk: 'none' }, { remove: ['a'] }), { applied: true })
    assert.deepEqual(await db().update({ pk, sk: 'none' }, { ttl: null }), { applied: true })
    assert.deepEqual(await db().update({ pk, sk: 'none' }, { ttl: seconds(clock, 60) }), { applied: true })
    assert.deepEqual(await db().update({ pk, sk: 'none' }, { removeFromSet: { '': ['x'] } }), {
      applied: true,
    })
    assert.equal(await db().get({ pk, sk: 'none' }), undefined)
  })

  test('an update sets and clears the expiry', async (pk) => {
    const key = { pk, sk: 'a' }
    const ttl = seconds(clock, 100)
    await db().set({ ...key, data: { n: 1 } })
    assert.equal((await db().update(key, { ttl })).item?.ttl, ttl)
    assert.deepEqual((await db().update(key, { ttl: null, add: { n: 1 } })).item, { ...key, data: { n: 2 } })
  })

  test('an update deletes, with a condition too', async (pk) => {
    const key = { pk, sk: 'a' }
    await db().set({ ...key, data: { n: 1 } })
    assert.deepEqual(await db().update(key, { delete: true }, { if: { n: 2 } }), {
      applied: false,
      item: { ...key, data: { n: 1 } },
    })
    assert.deepEqual(await db().update(key, { delete: true }, { if: { n: 1 } }), { applied: true })
    assert.deepEqual(await db().update(key, { delete: true }, { if: exists }), { applied: false })
    assert.deepEqual(await db().update(key, { delete: true }), { applied: true })
  })

  test('not applied, the result is the item that did not satisfy the condition', async (pk) => {
    const key = { pk, sk: 'a' }
    assert.deepEqual(await db().update(key, { add: { n: 1 } }, { if: exists }), { applied: false })
    assert.equal((await db().update(key, { add: { n: 1 } }, { if: absent })).applied, true)
    assert.deepEqual(await db().update(key, { add: { n: 1 } }, { if: absent }), {
      applied: false,
      item: { ...key, data: { n: 1 } },
    })
    assert.deepEqual(await db().update(key, { add: { n: 1 } }, { if: { n: { gt: 1 } }, exactlyOnce: true }), {
      applied: false,
      item: { ...key, data: { n: 1 } },
    })
  })

  test('sums are exact decimals', async (pk) => {
    const key = { pk, sk: 'a' }
    for (let i = 0; i < 10; i++) await db().update(key, { add: { tenth: 0.1, big: 9007199254740991 } })
    assert.deepEqual((await db().get(key))?.data, { tenth: 1, big: 90071992547409910n })
    assert.deepEqual(
      (await db().update<{ tenth: number }>(key, { add: { tenth: 0.2 } })).item?.data.tenth,
      1.2,
    )
    await db().set({ ...key, data: 1e-10 })
    for (let i = 0; i < 3; i++) await db().update(key, { add: { '': 1234567890.1 } })
    await db().update(key, { add: { '': -3703703670.3 } })
    assert.equal((await db().get(key))?.data, 1e-10)
  })

  test('concurrent updates of one item lose nothing', async (pk) => {
    const key = { pk, sk: 'a' }
    const results = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        db(i % 4).update<{ n: number }>(key, { add: { n: 1 }, append: { who: [i] } }),
      ),
    )
    assert.deepEqual(
      results.map((result) => result.item!.data.n).sort((a, b) => a - b),
      Array.from({ length: 40 }, (_, i) => i + 1),
    )
    assert.equal((await db(5).get<{ who: number[] }>(key))?.data.who.length, 40)
  })

  const misfits: Record<string, Changes> = {
    'add to a text': { add: { text: 1 } },
    'max of a text': { max: { text: 1 } },
    'append to a number': { append: { n: [1] } },
    'add to a set of another type': { addToSet: { set: [1] } },
    'remove from what is no set': { removeFromSet: { list: ['a'] } },
    'a field of a number': { set: { 'n.x': 1 } },
    'a position of a map': { set: { 'map[0]': 1 } },
    'a name in a list': { set: { 'list.x': 1 } },
    'through a position that is not there': { set: { 'list[9].x': 1 } },
    'a sum of 39 digits': { add: { n: 12345678901234567890123456789012345678n, text2: 0.5 }, set: {} },
    'an item grown too large': { set: { big: 'x'.repeat(409_000), more: 'x'.repeat(1000) } },
    'nested too deep': { set: { 'map.a.deep': JSON.parse(`${'['.repeat(30)}${']'.repeat(30)}`) } },
  }
  for (const [title, change] of Object.entries(misfits)) {
    test(`a change that does not fit is InvalidInput and leaves no trace: ${title}`, async (pk) => {
      const key = { pk, sk: 'a' }
      const data = title.startsWith('a sum')
        ? { ...start, n: 99999999999999999999999999999999999999n }
        : start
      await db().set({ ...key, data })
      const error = await rejects(db().update(key, change), { code: 'InvalidInput' })
      assert.doesNotMatch(error.message, /refused by the backend/)
      await rejects(db().update(key, change, { exactlyOnce: true }), { code: 'InvalidInput' })
      await rejects(
        db().transact([
          { type: 'set', item: { pk, sk: 'b' } },
          { type: 'update', key, changes: change },
        ]),
        { code: 'InvalidInput', message: error.message },
      )
      assert.deepEqual((await db(1).get(key))?.data, data)
      assert.equal(await db(1).get({ pk, sk: 'b' }), undefined)
    })
  }

  const malformed: Record<string, unknown> = {
    nothing: {},
    'no object': 'set',
    'an unknown kind': { increment: { n: 1 } },
    'overlapping paths': { set: { map: 1 }, add: { 'map.a.b': 1 } },
    'one path twice': { set: { n: 1 }, add: { n: 1 } },
    'add of a text': { add: { n: '1' } },
    'append of no list': { append: { list: 1 } },
    'append of nothing': { append: { list: [] } },
    'members of two types': { addToSet: { set: ['a', 1] } },
    'a path that is none': { set: { 'a..b': 1 } },
    'an open bracket': { set: { 'a[1': 1 } },
    'a negative position': { set: [[['list', -1], 1]] },
    'all of data removed': { remove: [''] },
    'delete with something else': { delete: true, set: { n: 1 } },
    'an expiry in milliseconds': { ttl: Date.now() },
    'undefined as a value': { set: { n: undefined } },
  }
  for (const [title, change] of Object.entries(malformed)) {
    test(`malformed changes are InvalidInput: ${title}`, async (pk) => {
      await rejects(db().update({ pk, sk: 'a' }, change as Changes), { code: 'InvalidInput' })
      await rejects(db().transact([{ type: 'update', key: { pk, sk: 'a' }, changes: change as Changes }]), {
        code: 'InvalidInput',
      })
      assert.equal(await db().get({ pk, sk: 'a' }), undefined)
    })
  }
}
