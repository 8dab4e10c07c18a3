import { assert, type Kit, rejects } from './kit.ts'

/** Pause and resume, idle looks, and what a pull says beside its messages. */
export function queuePause({ db, clock, test }: Kit): void {
  const ids = async (pk: string, options = {}, client = 0) =>
    (await db(client).queuePullMany<number>({ pk, limit: 10, ...options })).items.map(({ data }) => data)

  test('a paused queue gives nothing out until it is resumed', async (pk) => {
    await db().queuePush({ pk, data: 1 })
    await db().queuePause(pk)
    await db().queuePush({ pk, data: 2 })
    for (const client of [0, 1])
      for (const options of [{}, { consistent: false }, { strict: true }, { group: 'g' }]) {
        const pulled = await db(client).queuePullMany({ pk, limit: 10, ...options })
        assert.deepEqual(pulled, { items: [], paused: true })
      }
    assert.deepEqual(await db().queuePull({ pk }), { paused: true })
    await db().queueResume(pk)
    assert.deepEqual(await ids(pk), [1, 2])
    assert.equal((await db().queuePull({ pk })).paused, undefined)
  })

  test('a pause ends by itself', async (pk) => {
    const until = clock.now() + 60_000
    await db().queuePush({ pk, data: 1 })
    await db().queuePause(pk, { until: new Date(until) })
    assert.deepEqual(await db(1).queuePull({ pk }), { paused: true, nextDue: until })
    clock.advance(61_000)
    assert.deepEqual(await ids(pk, {}, 1), [1])
  })

  test('other consumers see it within four seconds, all shards at once', async (pk) => {
    const shards = 3
    await db().queuePush(
      [1, 2, 3, 4, 5, 6].map((data) => ({ pk, data })),
      { shards },
    )
    const { item } = await db(1).queuePull<number>({ pk, shards })
    await db().queuePause(pk)
    clock.advance(4100)
    assert.deepEqual(await db(1).queuePullMany({ pk, shards, limit: 10 }), { items: [], paused: true })
    // What is given out already can be finished.
    await db(1).queueAcknowledge(item!)
    await db().queueResume(pk)
    clock.advance(4100)
    assert.equal((await ids(pk, { shards }, 1)).length, 5)
  })

  test('the numbers of a queue say whether it is paused, and until when', async (pk) => {
    const until = clock.now() + 60_000
    const paused = async (options = {}) => {
      const { paused, pausedUntil } = await db(1).queueStats(pk, options)
      return pausedUntil === undefined ? paused : pausedUntil
    }
    assert.equal(await paused(), false)
    await db().queuePause(pk)
    // Also where the row that says so lies behind what is counted.
    await db().queuePush(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((data) => ({ pk, data })))
    for (const options of [{}, { limit: 1 }, { shards: 3 }]) assert.equal(await paused(options), true)
    await db().queuePause(pk, { until })
    for (const options of [{}, { limit: 1 }, { shards: 3 }]) assert.equal(await paused(options), until)
    await db().queueResume(pk)
    for (const options of [{}, { limit: 1 }, { shards: 3 }]) assert.equal(await paused(options), false)
  })

  test('a pause is no item and no message', async (pk) => {
    await db().queuePause(pk)
    assert.deepEqual(await db().query({ pk }), [])
    assert.deepEqual(await db().queuePeek({ pk }), [])
    assert.equal(await db().queuePurge(pk), 0)
    const { ready, inFlight, delayed } = await db().queueStats(pk)
    assert.deepEqual([ready, inFlight, delayed], [0, 0, 0])
    assert.equal((await db(1).queuePull({ pk })).paused, true)
    await rejects(db().queuePush({ pk, sk: '~control', data: 1 }), { code: 'InvalidInput' })
  })

  test('pausing twice, and resuming what is not paused', async (pk) => {
    await db().queueResume(pk)
    await db().queuePause(pk, { until: clock.now() + 1000 })
    await db(1).queuePause(pk)
    clock.advance(5000)
    assert.equal((await db().queuePull({ pk })).paused, true)
    await db(1).queueResume(pk)
    await db(1).queueResume(pk)
    await db().queuePush({ pk, data: 1 })
    clock.advance(5000)
    assert.deepEqual(await ids(pk), [1])
  })

  test('until must be a time to come', async (pk) => {
    for (const until of [
      0,
      Number.NaN,
      1.5,
      clock.now(),
      new Date(Number.NaN),
      1e300,
      '2099-01-01',
    ] as number[])
      await rejects(db().queuePause(pk, { until }), { code: 'InvalidInput' })
  })

  test('an idle look finds what is there, in order, and leaves it to one', async (pk) => {
    assert.deepEqual(await ids(pk, { consistent: false }), [])
    await db().queuePush([1, 2, 3].map((data) => ({ pk, data })))
    assert.deepEqual(await ids(pk, { consistent: false, limit: 2 }), [1, 2])
    assert.deepEqual(await ids(pk, { consistent: false }, 1), [3])
    assert.deepEqual(await ids(pk, { consistent: false }, 1), [])
    await db().queuePush(Array.from({ length: 40 }, (_, data) => ({ pk: `${pk}-long`, data })))
    assert.equal((await ids(`${pk}-long`, { consistent: false, limit: 30 })).length, 30)
  })

  test('an idle look keeps the order of groups', async (pk) => {
    const strict = { strict: true, consistent: false }
    await db().queuePush([1, 2].map((data) => ({ pk, data, group: 'g' })))
    const { item } = await db().queuePull<number>({ pk, ...strict })
    assert.equal(item?.data, 1)
    assert.deepEqual(await ids(pk, strict, 1), [])
    await db().queueAcknowledge(item!)
    clock.advance(3000)
    assert.deepEqual(await ids(pk, strict, 1), [2])
  })

  test('a pull says when the next message is due, as far as it is known', async (pk) => {
    assert.equal((await db().queuePull({ pk })).nextDue, undefined)
    const begun = clock.now()
    await db().queuePush({ pk, data: 1, delaySeconds: 20 })
    const ended = clock.now()
    for (const options of [{}, { consistent: false }]) {
      const { nextDue = 0 } = await db(1).queuePull({ pk, ...options })
      assert.ok(nextDue >= begun + 20_000 && nextDue <= ended + 20_000, `${nextDue}`)
    }
    clock.advance(20_100)
    const { item } = await db(1).queuePull({ pk, consistent: false, ttlSeconds: 50 })
    assert.equal(item?.data, 1)
    assert.equal((await db().queuePull({ pk })).nextDue, item?.processingTimeout)
  })
}
