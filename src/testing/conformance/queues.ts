import { assert, type Kit, rejects } from './kit.ts'

export function queues({ db, clock, test }: Kit): void {
  test('messages come in the order in which they were pushed', async (pk) => {
    const pushed = await db().queuePush(Array.from({ length: 30 }, (_, i) => ({ pk, data: i })))
    await db(1).queuePush({ pk, data: 30 })
    assert.deepEqual(
      pushed.map(({ data }) => data),
      Array.from({ length: 30 }, (_, i) => i),
    )
    for (let i = 0; i <= 30; i++) assert.equal((await db(2).queuePull({ pk })).item?.data, i)
    assert.equal((await db(2).queuePull({ pk })).item, undefined)
  })

  test('a pulled message is invisible until its timeout, then comes again with a new receipt', async (pk) => {
    await db().queuePush({ pk, data: 'job' })
    const first = (await db().queuePull({ pk, ttlSeconds: 30 })).item!
    assert.equal(first.isProcessing, true)
    assert.equal(first.receiveCount, 1)
    assert.ok(Math.abs(first.processingTimeout! - clock.now() - 30_000) < 5000)
    assert.equal((await db(1).queuePull({ pk })).item, undefined)
    clock.advance(31_000)
    const second = (await db(1).queuePull({ pk, ttlSeconds: 30 })).item!
    assert.equal(second.sk, first.sk)
    assert.equal(second.receiveCount, 2)
    assert.equal(second.firstReceivedAt, first.firstReceivedAt)
    assert.notEqual(second.receipt, first.receipt)
    // The first holder acts late: nothing changes, the second one's message is safe.
    await rejects(db().queueAcknowledge(first), { code: 'StaleReceipt' })
    await rejects(db().queueRelease(first), { code: 'StaleReceipt' })
    await rejects(db().queueExtend(first, { ttlSeconds: 60 }), { code: 'StaleReceipt' })
    assert.equal((await db(2).queuePull({ pk })).item, undefined)
    await db(1).queueAcknowledge(second)
    await rejects(db(1).queueAcknowledge(second), { code: 'StaleReceipt' })
    clock.advance(100_000)
    assert.equal((await db(2).queuePull({ pk })).item, undefined)
  })

  test('release gives back, at once or after a delay', async (pk) => {
    await db().queuePush({ pk, data: 'job' })
    const first = (await db().queuePull({ pk })).item!
    await db().queueRelease(first)
    const second = (await db().queuePull({ pk })).item!
    assert.equal(second.receiveCount, 2)
    await db().queueRelease(second, { delaySeconds: 20 })
    assert.equal((await db().queuePull({ pk })).item, undefined)
    assert.equal((await db().queueStats(pk)).delayed, 1)
    clock.advance(21_000)
    assert.equal((await db().queuePull({ pk })).item?.receiveCount, 3)
  })

  test('extend keeps a message longer', async (pk) => {
    await db().queuePush({ pk, data: 'job' })
    const first = (await db().queuePull({ pk, ttlSeconds: 10 })).item!
    clock.advance(8000)
    const extended = await db().queueExtend(first, { ttlSeconds: 10 })
    assert.equal(extended.receipt, first.receipt)
    clock.advance(8000)
    assert.equal((await db(1).queuePull({ pk })).item, undefined)
    clock.advance(3000)
    assert.equal((await db(1).queuePull({ pk })).item?.sk, first.sk)
  })

  test('by bare key acknowledge and release work unconditionally', async (pk) => {
    await db().queuePush([
      { pk, data: 1 },
      { pk, data: 2 },
    ])
    const { pk: itsPk, sk } = (await db().queuePull({ pk })).item!
    await db(1).queueRelease({ pk: itsPk, sk })
    assert.equal((await db().queuePull({ pk })).item?.sk, sk)
    await db(1).queueAcknowledge({ pk: itsPk, sk })
    await db(1).queueAcknowledge({ pk: itsPk, sk })
    await db(1).queueRelease({ pk: itsPk, sk })
    assert.deepEqual(
      await db()
        .queueStats(pk)
        .then(({ ready, inFlight }) => [ready, inFlight]),
      [1, 0],
    )
  })

  test('many consumers get every message once', async (pk) => {
    await db().queuePush(Array.from({ length: 40 }, (_, data) => ({ pk, data })))
    const got = await Promise.all(
      [0, 1, 2, 3].map(async (client) => {
        const mine: unknown[] = []
        for (;;) {
          const { items } = await db(client).queuePullMany({ pk, limit: 3 })
          if (items.length === 0) return mine
          mine.push(...items.map(({ data }) => data))
          for (const item of items) await db(client).queueAcknowledge(item)
        }
      }),
    )
    assert.deepEqual(
      got.flat().sort((a, b) => Number(a) - Number(b)),
      Array.from({ length: 40 }, (_, i) => i),
    )
  })

  test('a key of the caller orders, and never overwrites a message', async (pk) => {
    await db().queuePush([
      { pk, sk: 'b', data: 2 },
      { pk, sk: 'a', data: 1 },
    ])
    const first = (await db().queuePull({ pk })).item!
    assert.equal(first.data, 1)
    await rejects(db(1).queuePush({ pk, sk: 'a', data: 'new' }), { code: 'ConditionFailed' })
    await db().queueAcknowledge(first)
    await rejects(
      db().queuePush([
        { pk, sk: 'c' },
        { pk, sk: 'c' },
      ]),
      { code: 'InvalidInput' },
    )
    assert.equal((await db().queuePull({ pk })).item?.data, 2)
  })

  test('items and locks in the same partition are no messages', async (pk) => {
    await db().set({ pk, sk: '0', data: 'item' })
    await db().getLock({ pk, sk: '0#lock' })
    await db().queuePush({ pk, data: 'message' })
    assert.equal((await db().queuePull({ pk })).item?.data, 'message')
    assert.equal((await db().queuePull({ pk })).item, undefined)
  })

  test('an expired message is gone', async (pk) => {
    await db().queuePush({ pk, data: 1, ttl: Math.floor(clock.now() / 1000) + 5 })
    clock.advance(6000)
    assert.equal((await db().queuePull({ pk })).item, undefined)
    assert.equal((await db().queueStats(pk)).ready, 0)
  })

  test('bad input', async (pk) => {
    for (const ttlSeconds of [0, -1, 1.5, Number.NaN])
      await rejects(db().queuePull({ pk, ttlSeconds }), { code: 'InvalidInput', field: 'ttlSeconds' })
    for (const limit of [0, -1, 0.5])
      await rejects(db().queuePullMany({ pk, limit }), { code: 'InvalidInput', field: 'limit' })
    await rejects(db().queuePull({ pk: '' }), { code: 'InvalidInput' })
    await rejects(db().queuePush({ pk: '', data: 1 }), { code: 'InvalidInput' })
    await rejects(
      db().queuePush([
        { pk, data: 1 as unknown },
        { pk, data: 'x'.repeat(500_000) as unknown },
      ]),
      { code: 'InvalidInput', field: 'items[1]' },
    )
    await rejects(db().queueRelease({ pk, sk: 'a' }, { delaySeconds: -1 }), { code: 'InvalidInput' })
    await rejects(db().queueExtend({ pk, sk: 'a' } as never, { ttlSeconds: 10 }), { code: 'InvalidInput' })
    assert.equal((await db().queuePull({ pk })).item, undefined)
  })
}
