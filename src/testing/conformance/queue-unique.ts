import { assert, type Kit, rejects } from './kit.ts'

/** A message that waits can be cancelled; one with a `uniqueId` is alone until it is gone. */
export function queueUnique({ db, clock, test }: Kit): void {
  const pull = async (pk: string, client = 0, options = {}) =>
    (await db(client).queuePull<unknown>({ pk, ...options })).item

  test('a message that waits is cancelled, one in processing is not', async (pk) => {
    const [ready, delayed, held] = await db().queuePush([
      { pk, data: 'ready' },
      { pk, data: 'delayed', delaySeconds: 20 },
      { pk, data: 'held' },
    ])
    assert.equal(await db(1).queueCancel(ready!), true)
    assert.equal(await db().queueCancel({ pk, sk: ready!.sk }), false)
    const pulled = await pull(pk, 0, { ttlSeconds: 10 })
    assert.equal(pulled?.sk, held!.sk)
    assert.equal(await db(1).queueCancel(held!), false)
    assert.equal(await db().queueCancel(pulled!), false)
    assert.equal(await db(1).queueCancel(delayed!), true)
    // Released, it waits again.
    await db().queueRelease(pulled!, { delaySeconds: 5 })
    assert.equal(await db(1).queueCancel(held!), true)
    clock.advance(30_000)
    assert.equal(await pull(pk), undefined)
    await rejects(db().queueAcknowledge(pulled!), { code: 'StaleReceipt' })
  })

  test('what was not kept in time waits, two seconds after its visibility timeout', async (pk) => {
    const [pushed] = await db().queuePush({ pk, data: 1 })
    const pulled = await pull(pk, 0, { ttlSeconds: 5 })
    clock.advance(6000)
    assert.equal(await db(1).queueCancel(pushed!), false)
    clock.advance(1500)
    assert.equal(await db(1).queueCancel(pushed!), true)
    await rejects(db().queueExtend(pulled!, { ttlSeconds: 5 }), { code: 'StaleReceipt' })
  })

  test('a cancelled message is gone from peek, strict pulls and shards, and its key is free', async (pk) => {
    const messages = ['a', 'b', 'c'].map((data) => ({ pk, data, group: 'g' }))
    const pushed = await db().queuePush(messages, { shards: 3 })
    const queue = pushed[0]!.pk
    const strict = { pk, shards: 3, strict: true, limit: 5 }
    const { items } = await db().queuePullMany<string>(strict)
    assert.equal(items[0]?.data, 'a')
    assert.equal(await db().queueCancel(pushed[1]!), true)
    await db().queueAcknowledge(items[0]!)
    const after = await db().queuePullMany<string>(strict)
    assert.deepEqual(
      after.items.map(({ data }) => data),
      ['c'],
    )
    assert.deepEqual((await db().queuePeek({ pk: queue })).length, 1)
    await db().queuePush({ pk, sk: 'mine', data: 1 })
    assert.equal(await db().queueCancel({ pk, sk: 'mine' }), true)
    await db().queuePush({ pk, sk: 'mine', data: 2 })
    assert.equal((await pull(pk))?.data, 2)
  })

  test('what is written along with a cancellation is there if it was cancelled, and not else', async (pk) => {
    const [waits, held] = await db().queuePush([
      { pk, data: 'waits' },
      { pk, data: 'held' },
    ])
    const set = (name: string) => ({ pk: `${pk}-states`, sk: name, data: { state: 'cancelled' } })
    assert.equal(await db(1).queueCancel(waits!, { set: set('waits') }), true)
    await pull(pk)
    assert.equal(await db().queueCancel(held!, { set: set('held') }), false)
    assert.equal(await db().queueCancel(waits!, { set: set('again') }), false)
    assert.deepEqual(await db().query({ pk: `${pk}-states` }), [set('waits')])
    for (const wrong of [7, {}, { pk, sk: '' }, { ...set('a'), ttll: 5 }])
      await rejects(db().queueCancel(held!, { set: wrong as never }), { code: 'InvalidInput' })
    const [own] = await db().queuePush({ pk, data: 'own' })
    await rejects(db().queueCancel(own!, { set: { pk: own!.pk, sk: own!.sk } }), { code: 'InvalidInput' })
  })

  test('one message is looked at by its key', async (pk) => {
    const [first, second] = await db().queuePush([
      { pk, data: 1 },
      { pk, data: 2 },
    ])
    const keyed = async (sk: string) => (await db(1).queuePeek({ pk, sk })).map(({ data }) => data)
    assert.deepEqual(await keyed(second!.sk), [2])
    await db().queueAcknowledge(first!)
    await db().set({ pk, sk: 'item', data: 3 })
    assert.deepEqual([await keyed(first!.sk), await keyed('item'), await keyed('none')], [[], [], []])
    const sk = second!.sk
    for (const wrong of [{ sk: '' }, { sk, limit: 1 }, { sk, after: 'a' }, { sk, shards: 2 }])
      await rejects(db().queuePeek({ pk, ...wrong }), { code: 'InvalidInput' })
  })

  test('a message with a large payload is cancelled with it', async (pk) => {
    const [pushed] = await db().queuePush({ pk, data: 'x'.repeat(3000) }, { payloadThreshold: 1000 })
    assert.equal(await db().queueCancel({ pk, sk: pushed!.sk }), true)
    assert.deepEqual(await db().getMany([{ pk: pushed!.payloadKey!, sk: '#' }]), [undefined])
    assert.equal(await pull(pk), undefined)
  })

  test('a dead letter can be cancelled, what is expired or an item cannot', async (pk) => {
    await db().queuePush({ pk, data: 1 })
    const pulled = await pull(pk)
    await db().queueRelease(pulled!, { deadLetter: `${pk}#dead` })
    assert.equal(await db().queueCancel(pulled!), false)
    assert.equal(await db().queueCancel({ pk: `${pk}#dead`, sk: pulled!.sk }), true)
    const ttl = Math.floor(clock.now() / 1000) + 5
    const [expiring] = await db().queuePush({ pk, data: 2, ttl })
    clock.advance(10_000)
    assert.equal(await db().queueCancel(expiring!), false)
    await db().set({ pk, sk: 'item', data: 3 })
    assert.equal(await db().queueCancel({ pk, sk: 'item' }), false)
    assert.equal((await db().get({ pk, sk: 'item' }))?.data, 3)
  })

  test('a uniqueId is taken until its message is acknowledged', async (pk) => {
    const push = async (data: string, client = 0) =>
      (await db(client).queuePush({ pk, data, uniqueId: 'sync-7' }))[0]!
    const first = await push('first')
    assert.equal(first.isDuplicate, undefined)
    assert.equal(first.uniqueId, 'sync-7')
    const second = await push('second', 1)
    assert.deepEqual(
      [second.isDuplicate, second.pk, second.sk, second.enqueuedAt],
      [true, first.pk, first.sk, first.enqueuedAt],
    )
    const pulled = await pull(pk)
    assert.deepEqual([pulled?.data, pulled?.uniqueId], ['first', 'sync-7'])
    assert.equal((await push('in processing', 1)).isDuplicate, true)
    await db().queueRelease(pulled!, { delaySeconds: 3 })
    assert.equal((await push('released', 1)).isDuplicate, true)
    clock.advance(4000)
    await db().queueAcknowledge((await pull(pk))!)
    const third = await push('third', 1)
    assert.equal(third.isDuplicate, undefined)
    assert.equal((await push('fourth')).sk, third.sk)
    // Other ids and other queues are not concerned.
    const others = await db().queuePush([
      { pk, uniqueId: 'sync-8' },
      { pk: `${pk}2`, uniqueId: 'sync-7' },
    ])
    assert.ok(others.every(({ isDuplicate }) => isDuplicate === undefined))
  })

  test('a uniqueId is free when its message is buried, cancelled or expired', async (pk) => {
    const ttl = () => Math.floor(clock.now() / 1000) + 5
    const push = async (more = {}) => (await db().queuePush({ pk, uniqueId: 'a', ...more }))[0]!
    await push()
    await db().queueRelease((await pull(pk))!, { deadLetter: `${pk}#dead` })
    const next = await push()
    assert.equal(next.isDuplicate, undefined)
    assert.equal(await db(1).queueCancel({ pk, uniqueId: 'a' }), true)
    assert.equal(await db(1).queueCancel({ pk, uniqueId: 'a' }), false)
    assert.equal((await push({ ttl: ttl() })).isDuplicate, undefined)
    assert.equal((await push()).isDuplicate, true)
    clock.advance(6000)
    assert.equal((await push({ delaySeconds: 2 })).isDuplicate, undefined)
    assert.equal((await push()).isDuplicate, true)
    await db().queuePurge(pk)
    assert.equal((await push()).isDuplicate, undefined)
    assert.equal(await db().queueCancel({ pk, uniqueId: 'b' }), false)
  })

  test('a dead letter comes back when its uniqueId is free, and takes it', async (pk) => {
    const dead = `${pk}#dead`
    const push = async () => (await db().queuePush({ pk, uniqueId: 'a' }))[0]!
    const first = await push()
    await db().queueRelease((await pull(pk))!, { deadLetter: dead })
    const second = await push()
    assert.equal(await db().queueRedrive({ from: dead }), 0)
    assert.equal(await db().queueCancel(second), true)
    assert.equal(await db().queueRedrive({ from: dead }), 1)
    assert.equal((await push()).sk, first.sk)
    assert.equal((await db().queuePeek({ pk })).length, 1)
    // Whoever saw the marker before the redrive does not take it over.
    clock.advance(1100)
    await db().queueAcknowledge((await pull(pk, 1))!)
    assert.equal((await push()).isDuplicate, undefined)
  })

  test('one marker for all shards, in one push and in many at once', async (pk) => {
    const ids = ['a', 'b', 'a', 'c', 'b']
    const items = ids.map((uniqueId) => ({ pk, data: uniqueId, uniqueId }))
    const pushed = await db().queuePush(items, { shards: 4 })
    assert.deepEqual(
      pushed.map(({ isDuplicate }) => isDuplicate),
      [undefined, undefined, true, undefined, true],
    )
    assert.equal(pushed[2]!.sk, pushed[0]!.sk)
    const again = await Promise.all(
      ['a', 'd', 'd', 'd'].map(
        async (uniqueId, i) => (await db(i % 2).queuePush({ pk, uniqueId }, { shards: 4 }))[0]!,
      ),
    )
    assert.equal(again[0]!.isDuplicate, true)
    assert.equal(again[0]!.pk, pushed[0]!.pk)
    assert.equal(again.filter(({ isDuplicate }) => !isDuplicate).length, 1)
    assert.equal(new Set(again.slice(1).map(({ sk }) => sk)).size, 1)
    assert.equal(await db().queueCancel({ pk, uniqueId: 'd' }), true)
    const { ready } = await db().queueStats(pk, { shards: 4 })
    assert.equal(ready, 3)
  })

  test('a uniqueId stands with payloads, keys, groups and a deduplicationId', async (pk) => {
    const large = { pk, data: 'x'.repeat(3000), uniqueId: 'a' }
    const [first] = await db().queuePush(large, { payloadThreshold: 1000 })
    const [second] = await db().queuePush(large, { payloadThreshold: 1000 })
    assert.deepEqual([second!.sk, second!.isDuplicate], [first!.sk, true])
    const pulled = await pull(pk)
    assert.equal((pulled!.data as string).length, 3000)
    await db().queueAcknowledge(pulled!)
    await db().queuePush({ pk, sk: 'mine', uniqueId: 'a' })
    const [duplicate] = await db().queuePush({ pk, sk: 'other', uniqueId: 'a' })
    assert.equal(duplicate!.sk, 'mine')
    const once = { pk, group: 'g', uniqueId: 'b', deduplicationId: 'd' }
    const [one] = await db().queuePush(once)
    assert.equal(one!.isDuplicate, undefined)
    assert.equal(await db().queueCancel(one!), true)
    // Within the window the deduplicationId counts.
    const [two] = await db().queuePush(once)
    assert.deepEqual([two!.isDuplicate, two!.sk], [true, one!.sk])
  })

  test('the marker of a message that waits long is prolonged by pushes', async (pk) => {
    const push = async () => (await db().queuePush({ pk, uniqueId: 'a' }))[0]!
    const first = await push()
    for (let weeks = 0; weeks < 10; weeks++) {
      clock.advance(7 * 24 * 3600 * 1000)
      assert.equal((await push()).sk, first.sk)
    }
  })

  test('wrong ids and keys are refused', async (pk) => {
    for (const uniqueId of ['', 'x'.repeat(513), 7, '\ud800'])
      await rejects(db().queuePush({ pk, uniqueId: uniqueId as string }), {
        code: 'InvalidInput',
        field: 'uniqueId',
      })
    for (const key of [
      undefined,
      null,
      7,
      {},
      { pk },
      { pk, sk: '' },
      { pk, uniqueId: 7 },
      { uniqueId: 'a' },
    ])
      await rejects(db().queueCancel(key as never), { code: 'InvalidInput' })
    await rejects(db().queueCancel({ pk, uniqeId: 'a' } as never), { code: 'InvalidInput' })
    await rejects(db().queueCancel({ pk, sk: 'a' }, { force: true } as never), { code: 'InvalidInput' })
  })
}
