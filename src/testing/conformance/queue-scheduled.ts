import { assert, type Kit, rejects } from './kit.ts'

const year = 365 * 24 * 3_600_000

/** Messages that are due later, and the numbers of a queue. */
export function queueScheduled({ db, clock, test }: Kit): void {
  const ids = async (pk: string, options = {}, client = 0) =>
    (await db(client).queuePullMany<unknown>({ pk, limit: 10, ...options })).items.map(({ data }) => data)

  test('a message comes at its time, not before, in its place by that time', async (pk) => {
    const at = clock.now() + 60_000
    const [pushed] = await db().queuePush([
      { pk, data: 'at', at: new Date(at) },
      { pk, data: 'later', delaySeconds: 3600 },
      { pk, data: 'now' },
    ])
    assert.equal(pushed?.queue, pk)
    const { item: first } = await db().queuePull({ pk })
    assert.equal(first?.data, 'now')
    await db().queueAcknowledge(first!)
    assert.deepEqual(await ids(pk, {}, 1), [])
    assert.equal((await db(1).queuePull({ pk })).nextDue, at)
    clock.advance(70_000)
    await db().queuePush({ pk, data: 'after' })
    const { items } = await db(1).queuePullMany<unknown>({ pk, limit: 10 })
    assert.deepEqual(
      items.map(({ data, queue, receiveCount }) => [data, queue, receiveCount]),
      [
        ['at', pk, 1],
        ['after', undefined, 1],
      ],
    )
    await db(1).queueExtend(items[0]!, { ttlSeconds: 900 })
    await db(1).queueAcknowledge(items[0]!)
    await rejects(db(1).queueAcknowledge(items[0]!), { code: 'StaleReceipt' })
    clock.advance(3_600_000)
    assert.deepEqual(await ids(pk, { consistent: false }), ['after', 'later'])
  })

  test('years ahead, with shards, in a transaction, with a payload and an id', async (pk) => {
    const at = clock.now() + 3 * year
    const options = { shards: 3, payloadThreshold: 100 }
    const item = { pk, data: 'x'.repeat(500), at, deduplicationId: 'once' }
    const [first] = await db().queuePush(item, options)
    const [second] = await db(1).queuePush(item, options)
    assert.deepEqual([second?.pk, second?.sk], [first?.pk, first?.sk])
    const operation = { type: 'queuePush' as const, item: { pk: `${pk}#shard1`, data: 'tx', at: at + 1000 } }
    const { pushed } = await db().transact([operation])
    assert.equal(pushed[0]?.queue, `${pk}#shard1`)
    assert.deepEqual(await ids(pk, { shards: 3 }, 1), [])
    assert.equal((await db(1).queuePull({ pk, shards: 3 })).nextDue, at)
    clock.advance(3 * year + 2000)
    assert.deepEqual((await ids(pk, { shards: 3 }, 1)).toSorted(), ['tx', 'x'.repeat(500)])
    clock.advance(-3 * year - 2000)
  })

  test('a uniqueId is of the queue, wherever its message lies', async (pk) => {
    const options = { shards: 3 }
    const item = { pk, data: 1, uniqueId: 'u' }
    const [first] = await db().queuePush({ ...item, delaySeconds: 60 }, options)
    const [second] = await db(1).queuePush(item, options)
    assert.deepEqual([second?.isDuplicate, second?.sk], [true, first?.sk])
    clock.advance(62_000)
    const { items } = await db().queuePullMany({ pk, limit: 10, shards: 3, strict: true })
    assert.deepEqual(
      items.map((one) => [one.pk, one.sk]),
      [[first?.queue, first?.sk]],
    )
    const [third] = await db(1).queuePush(item, options)
    assert.deepEqual([third?.isDuplicate, third?.sk], [true, first?.sk])
    await db().queueRelease(items[0]!)
    assert.equal(await db(1).queueCancel({ pk, uniqueId: 'u' }), true)
    const [fourth] = await db().queuePush({ ...item, delaySeconds: 60 }, options)
    assert.equal(await db(1).queueCancel(fourth!), true)
    assert.deepEqual(await db().queuePeek({ pk, shards: 3 }), [])
  })

  test('what comes back, dies and is redriven goes to its queue', async (pk) => {
    await db().queuePush({ pk, data: 1, delaySeconds: 40 })
    clock.advance(41_000)
    const { item } = await db().queuePull<number>({ pk, ttlSeconds: 60 })
    await db().queueRelease(item!, { delaySeconds: 5 })
    assert.deepEqual(await ids(pk), [])
    clock.advance(6000)
    const again = (await db().queuePull<number>({ pk, ttlSeconds: 60 })).item
    assert.equal(again?.receiveCount, 2)
    clock.advance(61_000)
    const { dead } = await db().queuePull<number>({ pk, maxReceives: 2 })
    assert.deepEqual(
      dead?.map(({ deadLetter }) => deadLetter?.from),
      [pk],
    )
    assert.equal(await db().queueRedrive({ from: `${pk}#dead` }), 1)
    const { items } = await db(1).queuePullMany<number>({ pk, limit: 10 })
    assert.deepEqual(
      items.map((one) => [one.pk, one.data, one.receiveCount]),
      [[pk, 1, 1]],
    )
  })

  test('a strict consumer gets them in the queue', async (pk) => {
    await db().queuePush([
      { pk, data: 'apart', delaySeconds: 60 },
      { pk, data: 'g1', delaySeconds: 60, group: 'g' },
      { pk, data: 'g2', group: 'g' },
    ])
    assert.deepEqual(await ids(pk, { strict: true }), ['g2'])
    clock.advance(62_000)
    const seen = new Set<unknown>()
    for (let i = 0; i < 4; i++) {
      for (const { data, ...item } of (await db().queuePullMany({ pk, limit: 10, strict: true })).items) {
        seen.add(data)
        assert.equal(item.pk, pk)
        await db().queueAcknowledge(item)
      }
      clock.advance(1500)
    }
    assert.ok(seen.has('apart'), [...seen].join())
  })

  test('peek, purge and pause know of them', async (pk) => {
    await db().queuePush([
      { pk, data: 'later', delaySeconds: 60 },
      { pk, data: 'now' },
    ])
    const peeked = await db().queuePeek({ pk })
    assert.deepEqual(
      peeked.map(({ data }) => data),
      ['now', 'later'],
    )
    await db().queuePause(pk)
    clock.advance(65_000)
    assert.deepEqual(await db(1).queuePullMany({ pk, limit: 5 }), { items: [], paused: true })
    await db().queueResume(pk)
    assert.equal(await db().queuePurge(pk), 2)
    assert.deepEqual(await ids(pk), [])
  })

  test('times that cannot be are refused', async (pk) => {
    const bad = [0, -1, 1.5, Number.NaN, clock.now() - 1000, new Date(Number.NaN), 1e15, '2099', null]
    for (const at of bad as number[])
      await rejects(db().queuePush({ pk, data: 1, at }), { code: 'InvalidInput', field: 'at' })
    const both = { pk, data: 1, at: clock.now() + 60_000, delaySeconds: 60 }
    await rejects(db().queuePush(both), { code: 'InvalidInput', field: 'at' })
    assert.deepEqual(await db().queuePeek({ pk }), [])
  })

  test('numbers are exact up to a limit, and say so beyond', async (pk) => {
    await db().queuePush(Array.from({ length: 30 }, (_, data) => ({ pk, data })))
    await db().queuePush([1, 2, 3].map((data) => ({ pk, data, delaySeconds: 60 })))
    clock.advance(5000)
    const all = await db().queueStats(pk, { consistent: false })
    assert.deepEqual(
      [all.ready, all.delayed, all.scheduled, all.atLeast, all.oldestIsExact],
      [30, 3, 3, false, true],
    )
    assert.ok(all.oldestAgeSeconds >= 5)
    const some = await db().queueStats(pk, { limit: 12 })
    assert.deepEqual([some.ready, some.atLeast, some.oldestIsExact], [12, true, true])
    const whole = await db().queueStats(pk, { limit: Number.POSITIVE_INFINITY })
    assert.deepEqual([whole.ready, whole.atLeast], [30, false])
    await db().queuePush({ pk: `${pk}-own`, sk: 'z', data: 1 })
    await db().queuePush(Array.from({ length: 20 }, (_, n) => ({ pk: `${pk}-own`, sk: `a${n}`, data: n })))
    assert.equal((await db().queueStats(`${pk}-own`, { limit: 12 })).oldestIsExact, false)
    for (const limit of [0, -1, 1.5, Number.NaN])
      await rejects(db().queueStats(pk, { limit }), { code: 'InvalidInput' })
  })
}
