import { shardOf, shardsOf } from '../../model/shards.ts'
import { assert, type Kit, rejects, seconds } from './kit.ts'

/** Queues over several partition keys, and messages with large payloads. */
export function queueScale({ db, clock, test }: Kit): void {
  const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)

  test('shards: every message comes once, each shard in order', async (pk) => {
    const pushed = await db().queuePush(
      numbers(40).map((data) => ({ pk, data })),
      { shards: 4 },
    )
    assert.deepEqual([...new Set(pushed.map((item) => item.pk))].sort(), shardsOf(pk, 4))
    assert.deepEqual((await db().queueStats(pk, { shards: 4 })).ready, 40)
    const seen: number[] = []
    const last = new Map<string, number>()
    for (let client = 0; ; client = 1 - client) {
      const { items } = await db(client).queuePullMany<number>({ pk, shards: 4, limit: 3 })
      if (items.length === 0) break
      for (const item of items) {
        assert.ok((last.get(item.pk) ?? -1) < item.data, 'out of order')
        last.set(item.pk, item.data)
        seen.push(item.data)
        await db(client).queueAcknowledge(item)
      }
    }
    assert.deepEqual(
      seen.sort((a, b) => a - b),
      numbers(40),
    )
    assert.deepEqual(await db().queueStats(pk, { shards: 4 }), {
      ready: 0,
      inFlight: 0,
      delayed: 0,
      scheduled: 0,
      dead: 0,
      oldestAgeSeconds: 0,
      atLeast: false,
      oldestIsExact: true,
      paused: false,
    })
  })

  test('a family is counted, looked at and purged as one', async (pk) => {
    const family = `${pk}/`
    const queues = ['a', 'b', 'c'].map((name) => family + name)
    await db().queuePush(queues.flatMap((queue) => [1, 2].map((data) => ({ pk: queue, family, data }))))
    await db().queuePush({ pk: `${pk}#other`, data: 1 })
    const { items } = await db(1).queuePullMany({ family, limit: 2 })
    await db(1).queueRelease(items[0]!, { deadLetter: `${family}#dead`, reason: 'no' })
    const { ready, inFlight, dead, paused, atLeast } = await db().queueStats({ family })
    assert.deepEqual([ready, inFlight, dead, paused, atLeast], [4, 1, 1, false, false])
    await db().queuePause(family)
    assert.equal((await db().queueStats({ family }, { limit: 2 })).paused, true)
    assert.equal((await db().queuePeek({ family })).length, 5)
    assert.equal((await db().queuePeek({ family, limit: 2 })).length, 2)
    assert.equal(await db().queuePurge({ family }, { limit: 1 }), 1)
    assert.equal(await db().queuePurge({ family }), 4)
    assert.equal((await db().queueStats({ family })).ready, 0)
    assert.equal((await db().queueStats(`${pk}#other`)).ready, 1)
    for (const wrong of [{ family: '' }, { family: 7 }, { family, pk }] as never[]) {
      await rejects(db().queueStats(wrong), { code: 'InvalidInput' })
      await rejects(db().queuePurge(wrong), { code: 'InvalidInput' })
      await rejects(db().queuePeek(wrong), { code: 'InvalidInput' })
    }
    await rejects(db().queueStats({ family }, { shards: 2 }), { code: 'InvalidInput', field: 'shards' })
    await rejects(db().queuePurge({ family }, { shards: 2 }), { code: 'InvalidInput', field: 'shards' })
  })

  test('the dead letters of a queue of dead letters are its own', async (pk) => {
    const deadLetter = `${pk}#dead`
    await db().queuePush([1, 2].map((data) => ({ pk, data })))
    const { items } = await db().queuePullMany({ pk, limit: 2 })
    for (const item of items) await db().queueRelease(item, { deadLetter, reason: 'no' })
    const { ready, dead } = await db(1).queueStats(deadLetter)
    assert.deepEqual([ready, dead], [2, 2])
    assert.equal((await db().queueStats(pk)).dead, 2)
    assert.equal((await db().queueStats(deadLetter, { deadLetter: 'others' })).dead, 0)
  })

  test('shards: what meets lies in one, whoever pushes it', async (pk) => {
    for (const client of [0, 1]) {
      const [grouped] = await db(client).queuePush({ pk, group: 'g', data: client }, { shards: 8 })
      assert.equal(grouped!.pk, shardOf(pk, 8, 'g'))
    }
    const first = (await db(0).queuePush({ pk, deduplicationId: 'd' }, { shards: 8 }))[0]!
    const second = (await db(1).queuePush({ pk, deduplicationId: 'd' }, { shards: 8 }))[0]!
    assert.deepEqual([second.pk, second.sk], [first.pk, first.sk])
    await db(0).queuePush({ pk, sk: 'mine' }, { shards: 8 })
    await rejects(db(1).queuePush({ pk, sk: 'mine' }, { shards: 8 }), { code: 'ConditionFailed' })
    const { item } = await db(2).queuePull<number>({ pk, shards: 8, group: 'g' })
    assert.equal(item!.data, 0)
    assert.equal((await db(3).queuePull({ pk, shards: 8, group: 'g' })).item, undefined)
    assert.equal((await db().queuePeek({ pk, shards: 8, limit: 3 })).length, 3)
    assert.equal(await db().queuePurge(pk, { shards: 8 }), 4)
  })

  test('shards: work in one that was empty is found within a second, own work at once', async (pk) => {
    const options = { pk, shards: 5 }
    assert.equal((await db().queuePull(options)).item, undefined)
    await db().queuePush({ pk, data: 'own' }, { shards: 5 })
    const own = (await db().queuePull(options)).item!
    assert.equal(own.data, 'own')
    await db().queueRelease(own)
    assert.equal((await db().queuePull(options)).item?.data, 'own')
    await db(1).queuePush({ pk, data: 'of others' }, { shards: 5 })
    clock.advance(1100)
    assert.equal((await db().queuePull(options)).item?.data, 'of others')
  })

  test('shards: dead letters of all in one queue, and back into the shards of now', async (pk) => {
    const pushed = await db().queuePush([{ pk }, { pk }], { shards: 2 })
    const options = { pk, shards: 2, limit: 2, maxReceives: 1, ttlSeconds: 5 }
    assert.equal((await db().queuePullMany(options)).items.length, 2)
    clock.advance(6000)
    assert.equal((await db().queuePullMany(options)).items.length, 0)
    assert.equal((await db().queueStats(pk, { shards: 2 })).dead, 2)
    await rejects(db().queueRedrive({ from: `${pk}#dead` }), { code: 'InvalidInput', field: 'shards' })
    assert.equal(await db().queueRedrive({ from: `${pk}#dead`, shards: 2 }), 2)
    const { items } = await db().queuePullMany({ pk, shards: 2, limit: 2 })
    assert.deepEqual(items.map((item) => item.pk).sort(), pushed.map((item) => item.pk).sort())
  })

  test('shards: bad input', async (pk) => {
    for (const shards of [0, -1, 1.5, Number.NaN, 10_001]) {
      const bad = { code: 'InvalidInput', field: 'shards' }
      await rejects(db().queuePush({ pk }, { shards }), bad)
      await rejects(db().queuePull({ pk, shards }), bad)
      await rejects(db().queueStats(pk, { shards }), bad)
      await rejects(db().queuePurge(pk, { shards }), bad)
    }
    await rejects(db().queuePull({ pk: '', shards: 2 }), { code: 'InvalidInput', field: 'pk' })
  })

  test('a large payload comes with its message, and goes with it', async (pk) => {
    const large = 'x'.repeat(5000)
    const earliest = seconds(clock, 14 * 24 * 3600)
    const [small, big] = await db().queuePush<unknown>(
      [
        { pk, data: 'small' },
        { pk, data: { large } },
      ],
      { payloadThreshold: 4096 },
    )
    assert.equal(small!.payloadKey, undefined)
    const payload = { pk: big!.payloadKey!, sk: '#' }
    const latest = seconds(clock, 14 * 24 * 3600)
    assert.ok(big!.ttl! >= earliest && big!.ttl! <= latest, `${big!.ttl} is not in ${earliest} to ${latest}`)
    assert.equal(await db().get(payload), undefined)
    assert.deepEqual(await db().query({ pk: payload.pk }), [])
    assert.deepEqual((await db(1).queuePeek({ pk }))[1]!.data, { large })
    const { items } = await db().queuePullMany({ pk, limit: 5 })
    assert.deepEqual(
      items.map((item) => item.data),
      ['small', { large }],
    )
    const longer = await db().queueExtend(items[1]!, { ttlSeconds: 600 })
    assert.deepEqual(longer.data, { large })
    await db().queueRelease(longer)
    const again = (await db(1).queuePull({ pk, ttlSeconds: 10 })).item!
    assert.deepEqual(again.data, { large })
    clock.advance(11_000)
    assert.equal((await db(1).queuePull({ pk, maxReceives: 2 })).item, undefined)
    assert.deepEqual((await db().queuePeek({ pk: `${pk}#dead` }))[0]!.data, { large })
    await db().queueRedrive({ from: `${pk}#dead` })
    const back = (await db(1).queuePull({ pk })).item!
    assert.deepEqual(back.data, { large })
    await db(1).queueAcknowledge(back)
    assert.deepEqual((await db().queuePeek({ pk })).length, 1)
  })

  test('a large payload: with a key or an id of its own, in a transaction, by bare key, purged', async (pk) => {
    const data = new Uint8Array(3000).fill(7)
    const options = { payloadThreshold: 1024 }
    await db().queuePush({ pk, sk: 'a', data }, options)
    await rejects(db().queuePush({ pk, sk: 'a', data: new Uint8Array(2000) }, options), {
      code: 'ConditionFailed',
    })
    const a = (await db().queuePull({ pk })).item!
    assert.deepEqual(a.data, data)
    await db().transact([{ type: 'queueAcknowledge', item: a }])
    await db().queuePush({ pk, deduplicationId: 'd', data }, options)
    await db().queuePush({ pk, deduplicationId: 'd', data: new Uint8Array(2000) }, options)
    const d = (await db().queuePull({ pk })).item!
    assert.deepEqual(d.data, data)
    await db().queueAcknowledge({ pk, sk: d.sk })
    await db().queuePush([{ pk, data }], { ...options, shards: 3 })
    assert.deepEqual((await db().queuePull({ pk, shards: 3 })).item!.data, data)
    assert.equal(await db().queuePurge(pk, { shards: 3 }), 1)
    for (const payloadThreshold of [0, -1, 0.5])
      await rejects(db().queuePush({ pk, data }, { payloadThreshold }), {
        code: 'InvalidInput',
        field: 'payloadThreshold',
      })
    assert.deepEqual(await db().queuePeek({ pk }), [])
  })
}
