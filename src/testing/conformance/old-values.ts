import { assert, type Kit, rejects, seconds } from './kit.ts'

/** What was there before a write, told by the write itself. */
export function oldValues({ db, clock, test }: Kit): void {
  test('set and delete tell what was there, in the order given', async (pk) => {
    const item = (sk: string, data: unknown) => ({ pk, sk, data })
    await db().set([item('a', 1), item('b', { n: 2 })])
    await db().set({ pk, sk: 'old', data: 3, ttl: seconds(clock, -1) })
    await db().getLock({ pk, sk: 'l#lock' })
    assert.deepEqual(await db().set(item('a', 5)), [])
    const items = [item('b', 6), item('none', 7), item('old', 8), item('a', 9), item('b', 10)]
    assert.deepEqual(await db().set(items, { returnOld: true }), [
      { known: true, item: item('b', { n: 2 }) },
      { known: true },
      { known: true },
      { known: true, item: item('a', 5) },
      { known: true, item: item('b', { n: 2 }) },
    ])
    const keys = ['a', 'b', 'missing', 'l#lock'].map((sk) => ({ pk, sk }))
    assert.deepEqual(await db().delete(keys, { returnOld: true }), [
      { known: true, item: item('a', 9) },
      { known: true, item: item('b', 10) },
      { known: true },
      { known: true },
    ])
    assert.deepEqual(await db().delete({ pk, sk: 'none' }, { returnOld: true }), [
      { known: true, item: item('none', 7) },
    ])
    assert.deepEqual(await db().set([], { returnOld: true }), [])
    assert.equal(await db().count({ pk }), 1)
  })

  test('update tells what was there, and what is there now', async (pk) => {
    const key = { pk, sk: 'a' }
    const old = { returnOld: true }
    const ttl = seconds(clock, 50)
    assert.deepEqual(await db().update(key, { add: { n: 0.1 }, set: { 'deep.er': 1 } }, old), {
      applied: true,
      item: { ...key, data: { n: 0.1, deep: { er: 1 } } },
      old: { known: true },
    })
    assert.deepEqual(await db().update(key, { add: { n: 0.2 }, append: { l: [1] }, ttl }, old), {
      applied: true,
      item: { ...key, data: { n: 0.3, deep: { er: 1 }, l: [1] }, ttl },
      old: { known: true, item: { ...key, data: { n: 0.1, deep: { er: 1 } } } },
    })
    const refused = await db().update(key, { add: { n: 1 } }, { ...old, if: { n: 5 } })
    assert.deepEqual([refused.applied, 'old' in refused], [false, false])
    const idle = await db().update(key, { max: { n: 0.1 } }, old)
    assert.deepEqual(idle.old, { known: true, item: idle.item! })
    const gone = await db().update(key, { delete: true }, old)
    assert.deepEqual(gone, { applied: true, old: { known: true, item: idle.item! } })
    assert.deepEqual(await db().update(key, { delete: true }, old), { applied: true, old: { known: true } })
    assert.ok(!('old' in (await db().update(key, { set: { n: 1 } }))))
  })

  test('returnOld is true or false, and not for transactions', async (pk) => {
    const key = { pk, sk: 'a' }
    const wrong = { returnOld: 1 as never }
    const field = 'options.returnOld'
    await rejects(db().set({ ...key, data: 1 }, wrong), { code: 'InvalidInput', field })
    await rejects(db().delete(key, wrong), { code: 'InvalidInput', field })
    await rejects(db().update(key, { set: { n: 1 } }, wrong), { code: 'InvalidInput', field })
    const both = { returnOld: true, exactlyOnce: true }
    await rejects(db().update(key, { set: { n: 1 } }, both), { code: 'InvalidInput', field })
    assert.equal(await db().get(key), undefined)
  })
}
