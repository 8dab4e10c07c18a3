import { assert, type Kit, rejects, seconds } from './kit.ts'

export function items({ db, clock, test }: Kit): void {
  test('an item is written, read, replaced whole and deleted', async (pk) => {
    const key = { pk, sk: 'a' }
    await db().set({ ...key, data: { x: 1, y: 2 } })
    assert.deepEqual(await db(1).get(key), { ...key, data: { x: 1, y: 2 } })
    await db().set({ ...key, data: { x: 3 } })
    assert.deepEqual((await db(2).get(key))?.data, { x: 3 })
    await db().delete(key)
    assert.equal(await db().get(key), undefined)
    await db().delete(key)
  })

  test('an item may have no data', async (pk) => {
    await db().set({ pk, sk: 'a' })
    const item = await db().get({ pk, sk: 'a' })
    assert.equal(item?.pk, pk)
    assert.equal(item?.data, undefined)
  })

  test('getMany keeps the order and length of its keys, also with missing and repeated ones', async (pk) => {
    await db().set([
      { pk, sk: 'a', data: 1 },
      { pk, sk: 'b', data: 2 },
    ])
    const found = await db().getMany([
      { pk, sk: 'b' },
      { pk, sk: 'none' },
      { pk, sk: 'a' },
      { pk, sk: 'b' },
    ])
    assert.deepEqual(
      found.map((item) => item?.data),
      [2, undefined, 1, 2],
    )
    assert.deepEqual(await db().getMany([]), [])
  })

  test('batches of any size are written, read and deleted whole', async (pk) => {
    const keys = Array.from({ length: 130 }, (_, i) => ({ pk, sk: `i${i}` }))
    await db().set(keys.map((key, i) => ({ ...key, data: i })))
    const found = await db().getMany<number>(keys)
    assert.deepEqual(
      found.map((item) => item?.data),
      keys.map((_, i) => i),
    )
    await db().delete(keys)
    assert.deepEqual(await db().query({ pk }), [])
  })

  test('of several writes to one key in one call the last one counts', async (pk) => {
    await db().set([1, 2, 3].map((data) => ({ pk, sk: 'a', data })))
    assert.equal((await db().get({ pk, sk: 'a' }))?.data, 3)
    await db().delete([
      { pk, sk: 'a' },
      { pk, sk: 'a' },
    ])
    await db().set([])
    await db().delete([])
  })

  test('keys that look alike are different keys', async (pk) => {
    const keys = [
      { pk: `${pk}:a`, sk: 'b' },
      { pk, sk: 'a:b' },
      { pk: `${pk}:`, sk: 'a:b' },
      { pk: `${pk}1`, sk: '1a' },
      { pk: `${pk}11`, sk: 'a' },
    ]
    await db().set(keys.map((key, data) => ({ ...key, data })))
    const found = await db().getMany(keys)
    assert.deepEqual(
      found.map((item) => item?.data),
      [0, 1, 2, 3, 4],
    )
  })

  test('an expired item is absent for every read', async (pk) => {
    const key = { pk, sk: 'a' }
    const ttl = seconds(clock, 10)
    await db().set([
      { ...key, data: 1, ttl },
      { pk, sk: 'b', data: 2 },
    ])
    assert.equal((await db().get(key))?.ttl, ttl)
    clock.advance(11_000)
    assert.equal(await db().get(key), undefined)
    assert.equal(await db().get(key, { consistent: true }), undefined)
    assert.deepEqual(await db().getMany([key]), [undefined])
    assert.deepEqual(
      (await db().query({ pk, limit: 1 })).map((item) => item.sk),
      ['b'],
    )
    const streamed: unknown[] = []
    for await (const item of db().stream({ pk })) streamed.push(item.sk)
    assert.deepEqual(streamed, ['b'])
  })

  test('an expired item is absent for every write', async (pk) => {
    const past = () => ({ ttl: seconds(clock, -5) })
    await db().set(['a', 'b', 'c', 'd'].map((sk) => ({ pk, sk, data: { n: 7 }, ...past() })))
    assert.deepEqual((await db().update({ pk, sk: 'a' }, { add: { n: 1 } })).item, {
      pk,
      sk: 'a',
      data: { n: 1 },
    })
    assert.deepEqual(await db().update({ pk, sk: 'b' }, { add: { n: 1 } }, { if: { n: 7 } }), {
      applied: false,
    })
    await db().transact([{ type: 'setIfAbsent', item: { pk, sk: 'c', data: 'new' } }])
    assert.deepEqual(await db().get({ pk, sk: 'c' }), { pk, sk: 'c', data: 'new' })
    await db().transact([{ type: 'update', key: { pk, sk: 'd' }, changes: { add: { n: 1 } } }])
    assert.deepEqual((await db().get({ pk, sk: 'd' }))?.data, { n: 1 })
  })

  test('nothing of a caller is shared with what is stored', async (pk) => {
    const key = { pk, sk: 'a' }
    const given = { list: [1, 2], bytes: new Uint8Array([1, 2]), set: new Set(['x']) }
    const writing = db().set({ ...key, data: given })
    given.list.push(3)
    await writing
    given.list.push(4)
    given.bytes[0] = 9
    given.set.add('y')
    const read = await db().get<typeof given>(key)
    assert.deepEqual(read?.data, { list: [1, 2], bytes: new Uint8Array([1, 2]), set: new Set(['x']) })
    read.data.list.push(5)
    read.data.bytes[0] = 7
    const [again] = await db().query<typeof given>({ pk })
    assert.deepEqual(again?.data, { list: [1, 2], bytes: new Uint8Array([1, 2]), set: new Set(['x']) })
    again.data.set.clear()
    assert.equal((await db().get<typeof given>(key))?.data.set.size, 1)
    const changed = await db().update<typeof given & { more?: typeof given }>(key, { set: { more: given } })
    given.list.length = 0
    changed.item!.data.list.length = 0
    const last = await db().get<typeof given & { more: typeof given }>(key)
    assert.deepEqual(
      [last?.data.list, last?.data.more.list],
      [
        [1, 2],
        [1, 2, 3, 4],
      ],
    )
  })

  test('an aborted signal rejects with its reason', async (pk) => {
    const signal = AbortSignal.abort(new Error('enough'))
    for (const call of [
      () => db().get({ pk, sk: 'a' }, { signal }),
      () => db().getMany([{ pk, sk: 'a' }], { signal }),
      () => db().set({ pk, sk: 'a' }, { signal }),
      () => db().getLock({ pk, sk: 'a#lock' }, { signal }),
      () => db().query({ pk, signal }),
      () => db().update({ pk, sk: 'a' }, { add: { n: 1 } }, { signal }),
      () => db().transact([{ type: 'set', item: { pk, sk: 'a' } }], { signal }),
      () => db().queuePull({ pk, signal }),
    ]) {
      await assert.rejects(call, /enough/)
    }
    assert.equal(await db(1).get({ pk, sk: 'a' }), undefined)
    await rejects(db().get({ pk: '', sk: 'a' }, { signal }), { code: 'InvalidInput' })
  })
}
