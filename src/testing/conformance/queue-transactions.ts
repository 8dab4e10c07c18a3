import type { AtomicDbOperation, AtomicDbQueueItemInput } from '../../interface.ts'
import { assert, type Kit, rejects } from './kit.ts'

/** Pushes in transactions, with ids, payloads and shards. */
export function queueTransactions({ db, clock, test }: Kit): void {
  const push = (item: AtomicDbQueueItemInput, options = {}): AtomicDbOperation => ({
    type: 'queuePush',
    item,
    ...options,
  })
  const set = (pk: string, data: unknown): AtomicDbOperation => ({ type: 'set', item: { pk, sk: 'i', data } })
  const read = async (pk: string) => (await db(2).get({ pk, sk: 'i' }))?.data
  const dataIn = async (pk: string, options = {}) =>
    (await db(2).queuePeek({ pk, limit: 100, ...options })).map(({ data }) => data)

  test('a push whose deduplicationId was used is left out, and the rest commits', async (pk) => {
    const message = { pk: `${pk}q`, data: 1, deduplicationId: 'd' }
    const { pushed: first } = await db().transact([set(pk, 'a'), push(message)])
    assert.equal(first[0]?.isDuplicate, undefined)
    const { pushed: second } = await db(1).transact([
      push(message),
      set(pk, 'b'),
      push({ pk: `${pk}q`, data: 2 }),
    ])
    assert.deepEqual(
      second.map(({ isDuplicate }) => isDuplicate),
      [true, undefined],
    )
    assert.deepEqual(
      [second[0]?.pk, second[0]?.sk, second[0]?.enqueuedAt],
      [first[0]?.pk, first[0]?.sk, first[0]?.enqueuedAt],
    )
    assert.equal(await read(pk), 'b')
    assert.deepEqual(await dataIn(`${pk}q`), [1, 2])
    // By the queue's own push, and the other way round.
    const [third] = await db(1).queuePush({ ...message, delaySeconds: 60 })
    assert.deepEqual([third?.isDuplicate, third?.pk, third?.sk], [true, `${pk}q`, first[0]?.sk])
    clock.advance(301_000)
    const { pushed: later } = await db().transact([push(message, { deduplicationWindowSeconds: 1000 })])
    assert.equal(later[0]?.isDuplicate, undefined)
    clock.advance(900_000)
    assert.equal((await db(1).queuePush(message))[0]?.isDuplicate, true)
  })

  test('a push whose uniqueId is taken is left out, until its message is gone', async (pk) => {
    const message = { pk: `${pk}q`, data: 1, uniqueId: 'u' }
    const { pushed: first } = await db().transact([push(message)])
    const { pushed: second } = await db(1).transact([set(pk, 'a'), push({ ...message, data: 2 })])
    assert.deepEqual([second[0]?.isDuplicate, second[0]?.sk], [true, first[0]?.sk])
    assert.equal(await read(pk), 'a')
    const { item } = await db().queuePull({ pk: `${pk}q` })
    assert.equal((await db(1).queuePush({ ...message, data: 3 }))[0]?.isDuplicate, true)
    // What a transaction acknowledges keeps no id from what it pushes.
    const { pushed: again } = await db(1).transact([
      { type: 'queueAcknowledge', item: item! },
      push({ ...message, data: 'again' }),
    ])
    assert.equal(again[0]?.isDuplicate, undefined)
    assert.deepEqual(await dataIn(`${pk}q`), ['again'])
    assert.equal(await db().queueCancel({ pk: `${pk}q`, uniqueId: 'u' }), true)
    const { pushed: last } = await db(1).transact([push({ ...message, data: 'last' })])
    assert.equal(last[0]?.isDuplicate, undefined)
  })

  test('several with one id in one transaction are one', async (pk) => {
    const message = { pk: `${pk}q`, deduplicationId: 'd' }
    const many = [1, 2, 3].map((data) => push({ ...message, data }))
    const { pushed } = await db().transact(many)
    assert.deepEqual(
      pushed.map(({ sk, isDuplicate }) => [sk === pushed[0]?.sk, isDuplicate]),
      [
        [true, undefined],
        [true, true],
        [true, true],
      ],
    )
    const { pushed: again } = await db(1).transact([...many, push({ ...message, uniqueId: 'u' })])
    assert.deepEqual(
      again.map(({ sk, isDuplicate }) => [sk === pushed[0]?.sk, isDuplicate]),
      Array.from({ length: 4 }, () => [true, true]),
    )
    assert.deepEqual(await dataIn(`${pk}q`), [1])
  })

  test('a large payload lies in a row of its own, written in the same commit', async (pk) => {
    const data = 'x'.repeat(2000)
    const options = { payloadThreshold: 100 }
    const { pushed } = await db().transact([
      push({ pk: `${pk}q`, data }, options),
      push({ pk: `${pk}q`, data: 'small' }, options),
    ])
    assert.ok(pushed[0]?.payloadKey)
    assert.equal(pushed[1]?.payloadKey, undefined)
    const { items } = await db(1).queuePullMany({ pk: `${pk}q`, limit: 5 })
    assert.deepEqual(
      items.map((item) => item.data),
      [data, 'small'],
    )
    for (const item of items) await db(1).queueAcknowledge(item)
    const failing = [
      push({ pk: `${pk}q`, data }, options),
      { type: 'check' as const, key: { pk, sk: 'none' }, if: { a: 1 } },
    ]
    await rejects(db().transact(failing), { code: 'ConditionFailed' })
    assert.deepEqual(await dataIn(`${pk}q`), [])
    // A row of 300 KB beside a message that could not hold it.
    await db().transact([push({ pk: `${pk}q`, data: 'y'.repeat(398_000) }, options)])
    assert.equal(((await dataIn(`${pk}q`))[0] as string).length, 398_000)
  })

  test('shards are found by those who pull from them', async (pk) => {
    const shards = 4
    const { pushed } = await db().transact([
      ...[1, 2].map((data) => push({ pk, data, group: 'g' }, { shards })),
      ...[3, 4, 5, 6].map((data) => push({ pk, data }, { shards })),
      push({ pk, data: 7, deduplicationId: 'd', delaySeconds: 100 }, { shards }),
    ])
    assert.equal(pushed[0]?.pk, pushed[1]?.pk)
    assert.equal(new Set(pushed.slice(2, 6).map((one) => one.pk)).size, 4)
    const found: unknown[] = []
    for (let i = 0; i < 8 && found.length < 6; i++) {
      const { items } = await db(1).queuePullMany({ pk, shards, limit: 10 })
      found.push(...items.map(({ data }) => data))
    }
    assert.deepEqual(found.toSorted(), [1, 2, 3, 4, 5, 6])
    const { pushed: again } = await db(1).transact([push({ pk, data: 8, deduplicationId: 'd' }, { shards })])
    assert.deepEqual([again[0]?.isDuplicate, again[0]?.pk], [true, `${pk}#scheduled`])
  })

  test('an idempotencyKey answers what the first call was told, also of duplicates', async (pk) => {
    const operations = [
      push(
        { pk: `${pk}q`, data: 'x'.repeat(300), deduplicationId: 'd' },
        { shards: 50, payloadThreshold: 100 },
      ),
      push({ pk: `${pk}q`, data: 2 }, { shards: 50 }),
    ]
    const options = { idempotencyKey: `${pk}key` }
    const first = await db().transact(operations, options)
    assert.deepEqual((await db(1).transact(operations, options)).pushed, first.pushed)
    const other = { idempotencyKey: `${pk}other` }
    const second = await db().transact(operations, other)
    assert.equal(second.pushed[0]?.isDuplicate, true)
    assert.deepEqual((await db(1).transact(operations, other)).pushed, second.pushed)
    const changed = [push({ pk: `${pk}q`, data: 2, deduplicationId: 'e' }, { shards: 50 })]
    await rejects(db().transact(changed, other), { code: 'IdempotencyMismatch' })
  })

  test('two at once: one is pushed, both commit', async (pk) => {
    const once = (client: number, id: object) =>
      db(client).transact([push({ pk: `${pk}q`, data: client, ...id }), set(`${pk}${client}`, client)])
    for (const id of [{ uniqueId: 'u' }, { deduplicationId: 'd' }]) {
      const answers = await Promise.all([0, 1, 2].map((client) => once(client, id)))
      assert.equal(answers.filter(({ pushed }) => !pushed[0]?.isDuplicate).length, 1)
      assert.equal(new Set(answers.map(({ pushed }) => pushed[0]?.sk)).size, 1)
      for (const client of [0, 1, 2]) assert.equal(await read(`${pk}${client}`), client)
    }
    assert.equal((await dataIn(`${pk}q`)).length, 2)
  })

  test('payloads and ids count as rows, and what cannot be is refused', async (pk) => {
    const many = (count: number, item: object, options = {}) =>
      Array.from({ length: count }, (_, i) =>
        push({ pk, uniqueId: `u${i}`, data: 'x'.repeat(50), ...item }, options),
      )
    await rejects(db().transact(many(51, {})), { code: 'InvalidInput', field: 'operations' })
    await rejects(db().transact(many(34, {}, { payloadThreshold: 10 })), { code: 'InvalidInput' })
    assert.equal((await db().transact(many(33, {}, { payloadThreshold: 10 }))).pushed.length, 33)
    for (const options of [{ shards: 0 }, { payloadThreshold: 0 }, { deduplicationWindowSeconds: 0.5 }])
      await rejects(db().transact([push({ pk }, options)]), { code: 'InvalidInput' })
    await rejects(db().transact([push({ pk: `${pk}f`, family: pk }, { shards: 2 })]), {
      code: 'InvalidInput',
    })
    await rejects(db().transact([push({ pk, sk: 'mine', deduplicationId: 'd' })]), { code: 'InvalidInput' })
    await rejects(db().transact([push({ pk }, { exactlyOnce: true })]), { code: 'InvalidInput' })
  })
}
