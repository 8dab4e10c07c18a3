import type { AtomicDbPageQuery } from '../../interface.ts'
import { assert, type Kit, rejects, seconds } from './kit.ts'

const names = (found: readonly { sk: string }[]): string[] => found.map((item) => item.sk)

export function pages({ db, clock, test }: Kit): void {
  const all = async (query: AtomicDbPageQuery): Promise<string[][]> => {
    const found: string[][] = []
    let cursor: string | undefined
    do {
      const page = await db(found.length % 2).page({ ...query, cursor })
      found.push(names(page.items))
      cursor = page.cursor
      if ('cursor' in page) assert.equal(typeof cursor, 'string')
    } while (cursor !== undefined)
    return found
  }

  test('pages: the cursor leads on, and is absent exactly at the end', async (pk) => {
    assert.deepEqual(await db().page({ pk }), { items: [] })
    await db().set(['a', 'b', 'c', 'd'].map((sk) => ({ pk, sk })))
    assert.deepEqual(await all({ pk, limit: 2 }), [
      ['a', 'b'],
      ['c', 'd'],
    ])
    assert.deepEqual(await all({ pk, limit: 3 }), [['a', 'b', 'c'], ['d']])
    assert.deepEqual(await all({ pk, limit: 4 }), [['a', 'b', 'c', 'd']])
    assert.deepEqual(await all({ pk, limit: 1, reverse: true }), [['d'], ['c'], ['b'], ['a']])
    assert.deepEqual(await all({ pk, limit: 1, from: 'b', to: 'd', exclude: 'both' }), [['c']])
    assert.deepEqual(await all({ pk }), [['a', 'b', 'c', 'd']])
  })

  test('pages: lock rows and expired rows behind the last item do not make a cursor', async (pk) => {
    await db().set(['a', 'b'].map((sk) => ({ pk, sk })))
    for (let i = 0; i < 5; i++) await db().getLock({ pk, sk: `c${i}#lock` })
    await db().set(['d', 'e', 'f'].map((sk) => ({ pk, sk, ttl: seconds(clock, -1) })))
    assert.deepEqual(await all({ pk, limit: 2 }), [['a', 'b']])
    await db().set({ pk, sk: 'z' })
    assert.deepEqual(await all({ pk, limit: 2 }), [['a', 'b'], ['z']])
  })

  test('pages: rows added or deleted between two pages do not repeat or hide others', async (pk) => {
    await db().set(['a', 'b', 'd', 'e'].map((sk) => ({ pk, sk })))
    const first = await db().page({ pk, limit: 2 })
    await db().delete({ pk, sk: 'b' })
    await db().set(['aa', 'c'].map((sk) => ({ pk, sk })))
    const rest = await db(1).page({ pk, limit: 10, cursor: first.cursor! })
    assert.deepEqual(names(rest.items), ['c', 'd', 'e'])
  })

  test('pages: a cursor does not hold the pk, and is safe in a URL', async (pk) => {
    const secret = `${pk}secret-tenant`
    await db().set(['a😀', 'b'].map((sk) => ({ pk: secret, sk })))
    const { cursor } = await db().page({ pk: secret, limit: 1 })
    assert.match(cursor!, /^[\w-]+$/)
    assert.ok(!Buffer.from(cursor!, 'base64url').toString('latin1').includes('tenant'))
  })

  test('pages: a cursor of another query, or a damaged one, is InvalidInput', async (pk) => {
    await db().set(['a', 'b', 'c'].map((sk) => ({ pk, sk })))
    await db().set(['a', 'b', 'c'].map((sk) => ({ pk: `${pk}2`, sk })))
    const query: AtomicDbPageQuery = { pk, limit: 1, from: 'a', to: 'c' }
    const cursor = (await db().page(query)).cursor!
    const refused = (given: unknown, change: Partial<AtomicDbPageQuery> = {}) =>
      rejects(db().page({ ...query, ...change, cursor: given as string }), {
        code: 'InvalidInput',
        field: 'cursor',
      })
    assert.deepEqual(names((await db().page({ ...query, limit: 5, cursor })).items), ['b', 'c'])
    await refused(cursor, { pk: `${pk}2` })
    await refused(cursor, { sk: 'a' })
    await refused(cursor, { to: 'd' })
    await refused(cursor, { exclude: 'to' })
    await refused(cursor, { reverse: true })
    for (const given of ['', 'a', 'not a cursor', 1, {}, null, `${cursor}A`, `${cursor}=`, ` ${cursor}`])
      await refused(given)
    for (let at = 0; at < cursor.length; at++) {
      const other = cursor[at] === 'A' ? 'B' : 'A'
      await refused(cursor.slice(0, at) + other + cursor.slice(at + 1))
      await refused(cursor.slice(0, at))
    }
    await rejects(db().page({ ...query, after: 'a' } as AtomicDbPageQuery), { code: 'InvalidInput' })
    await rejects(db().query({ ...query, cursor } as AtomicDbPageQuery), { code: 'InvalidInput' })
  })

  test('count: live items only, within range and limit', async (pk) => {
    assert.equal(await db().count({ pk }), 0)
    await db().set(Array.from({ length: 30 }, (_, i) => ({ pk, sk: `i${i + 10}`, data: i })))
    await db().set(Array.from({ length: 20 }, (_, i) => ({ pk, sk: `i${i}`, ttl: seconds(clock, -1) })))
    await db().set({ pk, sk: 'later', ttl: seconds(clock, 1000) })
    for (let i = 0; i < 4; i++) await db().getLock({ pk, sk: `i${i + 10}#lock` })
    assert.equal(await db().count({ pk }), 31 - 10)
    assert.equal(await db().count({ pk, sk: 'i', consistent: false }), 20)
    assert.equal(await db().count({ pk, from: 'i20', to: 'i30', exclude: 'to' }), 10)
    for (const limit of [1, 5, 20, 21, 22, 100])
      assert.equal(await db().count({ pk, limit }), Math.min(limit, 21))
    assert.equal(await db().count({ pk, after: 'i38', reverse: true }), 18)
    await rejects(db().count({ pk, fields: ['a'] }), { code: 'InvalidInput', field: 'query.fields' })
  })

  test('count: over more than one page of 1 MB', async (pk) => {
    const data = 'x'.repeat(300_000)
    await db().set(Array.from({ length: 9 }, (_, i) => ({ pk, sk: `i${i}`, data })))
    assert.equal(await db().count({ pk }), 9)
    assert.equal(await db().count({ pk, limit: 7 }), 7)
  })
}
