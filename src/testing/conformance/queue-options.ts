import type { AtomicDbQueueItem } from '../../interface.ts'
import { assert, type Kit, rejects } from './kit.ts'

/** What a queue does beyond push, pull and acknowledge. */
export function queueOptions({ db, clock, test }: Kit): void {
  const data = async (pk: string, client = 0, options = {}) =>
    (await db(client).queuePull<unknown>({ pk, ...options })).item?.data

  test('a push with delay comes when its time has come, in its place', async (pk) => {
    await db().queuePush({ pk, data: 'late', delaySeconds: 20 })
    await db().queuePush([
      { pk, data: 'a' },
      { pk, data: 'b' },
    ])
    const { delayed, ready } = await db().queueStats(pk)
    assert.deepEqual([delayed, ready], [1, 2])
    assert.equal(await data(pk), 'a')
    clock.advance(21_000)
    assert.equal(await data(pk), 'late')
    assert.equal(await data(pk), 'b')
    await db().queuePush(
      [
        { pk, data: 'c' },
        { pk, data: 'd', delaySeconds: 0 },
      ],
      { delaySeconds: 20 * 24 * 3600 },
    )
    assert.equal(await data(pk), 'd')
    assert.equal(await data(pk), undefined)
  })

  test('a message keeps its traceparent through claims, shards, dead letters and redrives', async (pk) => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const shards = 2
    const [pushed] = await db().queuePush({ pk, data: { text: 'x'.repeat(2000) }, traceparent }, { shards })
    assert.equal(pushed?.traceparent, traceparent)
    const pull = async (queue: string) => (await db(1).queuePull({ pk: queue, shards })).item!
    const pulled = await pull(pk)
    assert.deepEqual([pulled.traceparent, pulled.data], [traceparent, { text: 'x'.repeat(2000) }])
    await db(1).queueRelease(pulled, { deadLetter: `${pk}#dead`, reason: 'tried' })
    const [letter] = await db().queuePeek({ pk: `${pk}#dead` })
    assert.equal(letter?.traceparent, traceparent)
    assert.equal(await db().queueRedrive({ from: `${pk}#dead`, shards }), 1)
    // What another process brings back is seen within a second.
    clock.advance(1100)
    assert.equal((await pull(pk)).traceparent, traceparent)
    await db().transact([{ type: 'queuePush', item: { pk: `${pk}2`, traceparent } }])
    const [sent] = await db().queuePeek({ pk: `${pk}2` })
    assert.equal(sent?.traceparent, traceparent)
    // As it was pulled, it may be sent on.
    await db().queuePush({ ...sent!, pk: `${pk}3` }, { payloadThreshold: 1 })
    assert.equal((await db().queuePull({ pk: `${pk}3` })).item?.traceparent, traceparent)
    await db().queuePush({ pk: `${pk}4` })
    assert.ok(!('traceparent' in (await db().queuePull({ pk: `${pk}4` })).item!))
    for (const wrong of ['', '00-1-2-01', traceparent.toUpperCase(), traceparent.replace('00-', 'ff-'), 7])
      await rejects(db().queuePush({ pk, traceparent: wrong as string }), {
        code: 'InvalidInput',
        field: 'traceparent',
      })
  })

  test('what others release is seen again, also behind many in processing', async (pk) => {
    await db().queuePush(Array.from({ length: 12 }, (_, i) => ({ pk, data: i })))
    const { items } = await db().queuePullMany({ pk, limit: 10 })
    assert.deepEqual(
      items.map((item) => item.data),
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    )
    assert.equal(await data(pk, 1), 10)
    await db().queueRelease(items[3]!)
    assert.equal(await data(pk), 3)
    await db().queueRelease(items[5]!)
    clock.advance(1100)
    assert.equal(await data(pk, 1), 5)
    assert.equal(await data(pk, 1), 11)
    assert.equal(await data(pk, 1), undefined)
    await db().queueRelease(items[7]!)
    assert.equal(await data(pk, 1), 7)
  })

  test('strict: nothing of a group behind one that is in processing', async (pk) => {
    await db().queuePush([
      { pk, group: 'a', data: 'a1' },
      { pk, group: 'a', data: 'a2' },
      { pk, group: 'b', data: 'b1' },
      { pk, data: 'x1' },
      { pk, data: 'x2' },
    ])
    const { items } = await db().queuePullMany({ pk, limit: 10, strict: true })
    assert.deepEqual(
      items.map((item) => item.data),
      ['a1', 'b1', 'x1'],
    )
    assert.equal(items[0]!.group, 'a')
    assert.equal(await data(pk, 1, { strict: true }), undefined)
    assert.equal(await data(pk, 1, { group: 'a' }), undefined)
    await db().queueRelease(items[0]!, { delaySeconds: 10 })
    assert.equal(await data(pk, 1, { strict: true }), undefined)
    await db().queueAcknowledge(items[2]!)
    assert.equal(await data(pk, 1, { strict: true }), 'x2')
    clock.advance(11_000)
    const again = (await db(1).queuePull({ pk, group: 'a' })).item!
    assert.equal(again.data, 'a1')
    await db(1).queueAcknowledge(again)
    assert.equal(await data(pk, 1, { group: 'a' }), 'a2')
  })

  test('strict: many consumers never hold two messages of one group', async (pk) => {
    const groups = ['a', 'b', 'c']
    await db().queuePush(Array.from({ length: 30 }, (_, i) => ({ pk, group: groups[i % 3]!, data: i })))
    const held = new Set<string>()
    const last: Record<string, number> = {}
    let left = 30
    await Promise.all(
      [0, 1, 2, 3].map(async (client) => {
        while (left > 0) {
          const { item } = await db(client).queuePull<number>({ pk, strict: true })
          if (!item) continue
          assert.ok(!held.has(item.group!), 'two at once')
          held.add(item.group!)
          assert.ok((last[item.group!] ?? -1) < item.data, 'out of order')
          last[item.group!] = item.data
          await db(client).getLock({ pk: `${pk}work`, sk: String(client) })
          held.delete(item.group!)
          await db(client).queueAcknowledge(item)
          left--
        }
      }),
    )
  })

  test('received too often: to the dead letters, with why, and back', async (pk) => {
    await db().queuePush([
      { pk, data: 'poison' },
      { pk, data: 'good' },
    ])
    for (let i = 1; i <= 2; i++) {
      const item = (await db().queuePull({ pk, maxReceives: 2 })).item!
      assert.deepEqual([item.data, item.receiveCount], ['poison', i])
      await db().queueRelease(item, { reason: `boom ${i}` })
    }
    assert.equal(await data(pk, 1, { maxReceives: 2 }), 'good')
    const stats = await db().queueStats(pk)
    assert.deepEqual([stats.ready, stats.inFlight, stats.dead], [0, 1, 1])
    const [dead] = await db(1).queuePeek({ pk: `${pk}#dead` })
    assert.equal(dead!.data, 'poison')
    assert.deepEqual(
      [dead!.deadLetter!.from, dead!.deadLetter!.reason, dead!.deadLetter!.receives, dead!.receiveCount],
      [pk, 'boom 2', 2, 0],
    )
    assert.equal(await db(1).queueRedrive({ from: `${pk}#dead` }), 1)
    assert.equal(await db(1).queueRedrive({ from: `${pk}#dead` }), 0)
    const back = (await db(1).queuePull({ pk, maxReceives: 2 })).item!
    assert.deepEqual([back.data, back.receiveCount, back.deadLetter], ['poison', 1, undefined])
    assert.equal((await db().queueStats(pk)).dead, 0)
  })

  test('a pull tells of the dead letters it makes, with what they say', async (pk) => {
    const payload = 'x'.repeat(300)
    await db().queuePush([{ pk, data: payload }], { payloadThreshold: 100 })
    await db().queuePush({ pk, data: 'small' })
    const { items } = await db().queuePullMany({ pk, limit: 2, maxReceives: 1 })
    for (const item of items) await db().queueRelease(item)
    const result = await db(1).queuePullMany({ pk, limit: 2, maxReceives: 1 })
    assert.deepEqual(result.items, [])
    assert.deepEqual(result.dead!.map((item) => item.data).sort(), ['small', payload])
  })

  test('a dead-letter queue of a name of its own; timeouts count too', async (pk) => {
    await db().queuePush({ pk, data: 1, group: 'g' })
    const options = { maxReceives: 1, deadLetter: `${pk}graveyard`, ttlSeconds: 10 }
    assert.equal(await data(pk, 0, options), 1)
    clock.advance(11_000)
    assert.equal(await data(pk, 1, { ...options, strict: true }), undefined)
    const [dead] = await db().queuePeek({ pk: `${pk}graveyard` })
    assert.deepEqual([dead?.deadLetter?.reason, dead?.group], ['received 1 times', 'g'])
    assert.equal(await db().queueRedrive({ from: `${pk}graveyard`, to: `${pk}other`, limit: 5 }), 1)
    assert.equal(await data(`${pk}other`), 1)
  })

  test('a deduplicationId within its window is pushed once, and gives the first key', async (pk) => {
    const first = (await db().queuePush({ pk, data: 1, deduplicationId: 'order-1' }))[0]!
    const second = (await db(1).queuePush({ pk, data: 2, deduplicationId: 'order-1' }))[0]!
    assert.deepEqual([second.pk, second.sk, second.enqueuedAt], [pk, first.sk, first.enqueuedAt])
    const both = await db().queuePush([
      { pk, data: 3, deduplicationId: 'order-2' },
      { pk, data: 4, deduplicationId: 'order-2' },
    ])
    assert.equal(both[0]!.sk, both[1]!.sk)
    const { items } = await db().queuePullMany({ pk, limit: 10 })
    assert.deepEqual(
      items.map((item) => item.data),
      [1, 3],
    )
    for (const item of items) await db().queueAcknowledge(item)
    await db().queuePush({ pk, data: 5, deduplicationId: 'order-1' })
    assert.equal(await data(pk), undefined)
    clock.advance(301_000)
    await db().queuePush({ pk, data: 6, deduplicationId: 'order-1' }, { deduplicationWindowSeconds: 1 })
    clock.advance(2000)
    await db().queuePush({ pk, data: 7, deduplicationId: 'order-1' })
    assert.deepEqual([await data(pk), await data(pk)], [6, 7])
  })

  test('exactlyOnce pushes in order, any number', async (pk) => {
    await db().queuePush(
      Array.from({ length: 110 }, (_, i) => ({ pk, data: i })),
      { exactlyOnce: true },
    )
    const items: AtomicDbQueueItem[] = []
    // One pull may give fewer: what it has claimed is handed out when another claim fails for now.
    for (let turn = 0; turn < 5 && items.length < 110; turn++)
      items.push(...(await db(1).queuePullMany({ pk, limit: 200 })).items)
    const inOrder = items.sort((a, b) => (a.sk < b.sk ? -1 : 1))
    assert.deepEqual(
      inOrder.map((item) => item.data),
      Array.from({ length: 110 }, (_, i) => i),
    )
  })

  test('peek looks without claiming, purge empties', async (pk) => {
    await db().set({ pk, sk: '0', data: 'no message' })
    await db().queuePush(Array.from({ length: 30 }, (_, i) => ({ pk, data: i })))
    await data(pk)
    const seen = await db(1).queuePeek({ pk, limit: 3 })
    assert.deepEqual(
      seen.map((item) => [item.data, item.isProcessing]),
      [
        [0, true],
        [1, false],
        [2, false],
      ],
    )
    const more = await db(1).queuePeek({ pk, after: seen[2]!.sk })
    assert.deepEqual([more.length, more[0]!.data], [10, 3])
    assert.equal(await db(1).queuePurge(pk, { limit: 4 }), 4)
    assert.deepEqual((await db().queuePeek({ pk, limit: 1 }))[0]?.data, 4)
    assert.equal(await db(1).queuePurge(pk, { limit: 100 }), 26)
    assert.deepEqual(await db(1).queuePeek({ pk }), [])
    assert.equal(await db(1).queuePurge(pk), 0)
    assert.equal((await db().get({ pk, sk: '0' }))?.data, 'no message')
    assert.equal(await data(pk), undefined)
  })

  test('queue options: bad input', async (pk) => {
    const bad = { code: 'InvalidInput' }
    for (const delaySeconds of [-1, 0.5, Number.NaN])
      await rejects(db().queuePush({ pk, delaySeconds }), { ...bad, field: 'delaySeconds' })
    await rejects(db().queuePush([{ pk }, { pk, group: '' }]), { ...bad, field: 'items[1].group' })
    await rejects(db().queuePush({ pk, deduplicationId: '' }), { ...bad, field: 'deduplicationId' })
    await rejects(db().queuePush({ pk, sk: 'a', deduplicationId: 'b' }), { ...bad, field: 'deduplicationId' })
    await rejects(db().queuePush({ pk }, { deduplicationWindowSeconds: 0 }), {
      ...bad,
      field: 'deduplicationWindowSeconds',
    })
    for (const maxReceives of [0, -1, 1.5])
      await rejects(db().queuePull({ pk, maxReceives }), { ...bad, field: 'maxReceives' })
    await rejects(db().queuePull({ pk, deadLetter: pk }), { ...bad, field: 'deadLetter' })
    await rejects(db().queuePull({ pk, deadLetter: '' }), { ...bad, field: 'deadLetter' })
    await rejects(db().queuePull({ pk, group: '' }), { ...bad, field: 'group' })
    await rejects(db().queuePeek({ pk, limit: 0 }), { ...bad, field: 'limit' })
    await rejects(db().queuePurge(''), bad)
    await rejects(db().queuePurge(pk, { limit: 0 }), { ...bad, field: 'limit' })
    await rejects(db().queueRedrive({ from: '' }), { ...bad, field: 'from' })
    await rejects(db().queueRedrive({ from: pk, to: pk }), { ...bad, field: 'to' })
    assert.deepEqual(await db().queuePeek({ pk }), [])
  })
}
