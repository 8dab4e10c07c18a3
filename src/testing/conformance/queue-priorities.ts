import type { AtomicDbInterface, AtomicDbQueueItem, AtomicDbQueueItemInput } from '../../interface.ts'
import { assert, type Kit, rejects } from './kit.ts'

type Priority = 'high' | 'normal' | 'low'

const dataOf = (items: readonly AtomicDbQueueItem[]): unknown[] => items.map(({ data }) => data)
const many = (pk: string, priority: Priority, count: number): AtomicDbQueueItemInput<string>[] =>
  Array.from({ length: count }, (_, i) => ({ pk, priority, data: `${priority} ${i}` }))

/** Messages of several priorities. */
export function queuePriorities({ db, clock, test }: Kit): void {
  async function drained(client: AtomicDbInterface, pull: object, limit: number): Promise<unknown[]> {
    const found: unknown[] = []
    for (let empty = 0; empty < 2; ) {
      const { items } = await client.queuePullMany({ limit, ...pull } as never)
      for (const item of items) await client.queueAcknowledge(item)
      found.push(...dataOf(items))
      empty = items.length > 0 ? 0 : empty + 1
    }
    return found
  }

  test('high ones come first and low ones last, each in the order of their pushes', async (pk) => {
    const [first] = await db().queuePush([
      { pk, data: 'low 0', priority: 'low' },
      { pk, data: 'normal 0' },
      { pk, data: 'high 0', priority: 'high' },
      { pk, data: 'low 1', priority: 'low' },
      { pk, data: 'normal 1', priority: 'normal' },
      { pk, data: 'high 1', priority: 'high' },
    ])
    assert.equal(first?.priority, 'low')
    assert.ok(Math.abs(first!.enqueuedAt - clock.now()) < 60_000)
    const all = ['high 0', 'high 1', 'normal 0', 'normal 1', 'low 0', 'low 1']
    assert.deepEqual(dataOf(await db(1).queuePeek({ pk })), all)
    const { items } = await db(1).queuePullMany<string>({ pk, limit: 6 })
    assert.deepEqual(dataOf(items), all)
    assert.deepEqual(
      items.map(({ priority }) => priority),
      ['high', 'high', undefined, undefined, 'low', 'low'],
    )
    assert.equal(items[0]?.enqueuedAt, (await db().queuePeek({ pk, limit: 1 }))[0]?.enqueuedAt)
    for (const item of items) await db(1).queueRelease(item)
    assert.deepEqual(await drained(db(2), { pk, consistent: false }, 10), all)
  })

  test('of sixteen messages twelve are high ones, three normal ones, one a low one', async (pk) => {
    await db().queuePush([
      ...many(pk, 'low', 4),
      ...many(pk, 'normal', 10),
      ...many(pk, 'high', 25),
      ...many(pk, 'high', 15),
    ])
    const found: unknown[] = []
    for (let i = 0; i < 48; i++) {
      const { item } = await db(1).queuePull<string>({ pk })
      found.push(item?.data.split(' ')[0])
      await db(1).queueAcknowledge(item!)
    }
    const counts = (from: number, to: number) =>
      ['high', 'normal', 'low'].map((one) => found.slice(from, to).filter((other) => other === one).length)
    assert.deepEqual(counts(0, 16), [12, 3, 1])
    assert.deepEqual(counts(0, 48), [36, 9, 3])
    // What nobody uses goes to the others.
    assert.equal((await drained(db(1), { pk }, 3)).length, 6)
  })

  test('numbers that end within a backlog know the oldest of what lies behind it', async (pk) => {
    await db().queuePush({ pk, data: 'old', priority: 'low' })
    clock.advance(60_000)
    await db().queuePush(many(pk, 'normal', 15))
    clock.advance(20_000)
    await db().queuePush(many(pk, 'high', 15))
    // Within the normal ones, and within the high ones.
    for (const limit of [20, 12]) {
      const found = await db(1).queueStats(pk, { limit })
      assert.deepEqual([found.atLeast, found.oldestIsExact], [true, true])
      assert.ok(found.oldestAgeSeconds >= 80 && found.oldestAgeSeconds < 100, `${found.oldestAgeSeconds}`)
    }
    await db(1).queuePause(pk)
    assert.equal((await db(1).queueStats(pk, { limit: 12 })).paused, true)
    await db().queuePush([...many(pk, 'low', 5)])
    assert.equal((await db(1).queueStats(pk, { limit: 12 })).paused, true)
    await db(1).queueResume(pk)
  })

  test('a busy consumer finds low ones behind a backlog, and high ones that others push', async (pk) => {
    await db().queuePush(many(pk, 'normal', 60))
    await db(1).queuePullMany({ pk, limit: 5 })
    await db().queuePush({ pk, data: 'low', priority: 'low' })
    clock.advance(5000)
    await db(1).queuePull({ pk })
    let seen = 0
    while ((await db(1).queuePull({ pk })).item?.data !== 'low') assert.ok(seen++ < 17)
    await db().queuePush({ pk, data: 'high', priority: 'high' })
    clock.advance(1100)
    for (seen = 0; (await db(1).queuePull({ pk })).item?.data !== 'high'; ) assert.ok(seen++ < 5)
  })

  test('one that comes back comes in its place', async (pk) => {
    await db().queuePush([...many(pk, 'high', 2), ...many(pk, 'normal', 20), ...many(pk, 'low', 2)])
    const { item } = await db().queuePull({ pk })
    assert.equal(item?.data, 'high 0')
    const { items } = await db().queuePullMany({ pk, limit: 2 })
    await db().queueRelease(item!)
    assert.ok(dataOf((await db().queuePullMany({ pk, limit: 6 })).items).includes('high 0'))
    clock.advance(301_000)
    const all = await drained(db(1), { pk }, 5)
    assert.deepEqual([all.length, new Set(all).size, items.length], [24, 24, 2])
    assert.equal(all[0], 'high 0')
  })

  test('in shards and families, each partition by itself', async (pk) => {
    const list = [...many(pk, 'low', 9), ...many(pk, 'normal', 9), ...many(pk, 'high', 9)]
    await db().queuePush(list, { shards: 3 })
    const found = await drained(db(1), { pk, shards: 3 }, 3)
    assert.deepEqual([found.length, new Set(found).size], [27, 27])
    assert.ok(dataOf((await db().queuePeek({ pk, shards: 3 })) ?? []).length === 0)
    const family = `${pk}/`
    await db().queuePush(list.map((item) => ({ ...item, pk: `${family}a`, family })))
    const { items } = await db(1).queuePullMany({ family, limit: 2 })
    assert.deepEqual(dataOf(items), ['high 0', 'high 1'])
  })

  test('those that are due later come by their priority when they are due', async (pk) => {
    const later = { delaySeconds: 60 }
    await db().queuePush([
      ...many(pk, 'low', 3).map((item) => ({ ...item, ...later })),
      ...many(pk, 'normal', 3).map((item) => ({ ...item, ...later })),
      { pk, data: 'high later', priority: 'high', at: clock.now() + 61_000 },
      { pk, data: 'soon', priority: 'high', delaySeconds: 5 },
      { pk, data: 'now' },
    ])
    assert.deepEqual(dataOf((await db(1).queuePullMany({ pk, limit: 9 })).items), ['now'])
    clock.advance(6000)
    assert.deepEqual(dataOf((await db(1).queuePullMany({ pk, limit: 9 })).items), ['soon'])
    clock.advance(60_000)
    const { items } = await db(1).queuePullMany({ pk, limit: 1 })
    assert.deepEqual(dataOf(items), ['high later'])
    assert.equal(items[0]?.priority, 'high')
    const rest = await drained(db(1), { pk }, 4)
    assert.deepEqual(rest.toSorted(), ['low 0', 'low 1', 'low 2', 'normal 0', 'normal 1', 'normal 2'])
  })

  test('with ids, payloads, transactions; cancelled, dead and redriven', async (pk) => {
    const big = 'x'.repeat(500)
    const input = { pk, data: big, priority: 'high' as const, uniqueId: 'u', deduplicationId: 'd' }
    const [one] = await db().queuePush(input, { payloadThreshold: 100 })
    const [two] = await db(1).queuePush(input, { payloadThreshold: 100 })
    assert.deepEqual([two?.isDuplicate, two?.sk], [true, one?.sk])
    assert.equal(await db(1).queueCancel({ pk, uniqueId: 'u' }), true)
    const push = (priority: Priority) => ({
      type: 'queuePush' as const,
      item: { pk, priority, data: priority },
    })
    const options = { idempotencyKey: `${pk}-key` }
    const { pushed } = await db().transact([push('low'), push('high')], options)
    assert.deepEqual((await db().transact([push('low'), push('high')], options)).pushed, pushed)
    await rejects(db().transact([push('low'), push('low')], options), { code: 'IdempotencyMismatch' })
    const { item } = await db(1).queuePull({ pk })
    assert.equal(item?.data, 'high')
    await db(1).queueRelease(item!, { deadLetter: `${pk}#dead`, reason: 'enough' })
    const [letter] = await db().queuePeek({ pk: `${pk}#dead` })
    assert.deepEqual([letter?.priority, letter?.sk], ['high', item?.sk])
    assert.equal(await db().queueRedrive({ from: `${pk}#dead` }), 1)
    const { items } = await db(1).queuePullMany({ pk, limit: 5 })
    assert.deepEqual(
      items.map(({ data, priority }) => [data, priority]),
      [
        ['high', 'high'],
        ['low', 'low'],
      ],
    )
  })

  test('strict pulls give all of them, by their priority', async (pk) => {
    await db().queuePush([...many(pk, 'low', 2), ...many(pk, 'normal', 2), ...many(pk, 'high', 2)])
    const found = await drained(db(1), { pk, strict: true }, 1)
    assert.deepEqual(found, ['high 0', 'high 1', 'normal 0', 'normal 1', 'low 0', 'low 1'])
  })

  test('a message as it was pulled can be pushed again, and a priority that cannot be is refused', async (pk) => {
    await db().queuePush({ pk, data: 1, priority: 'low' })
    const { item } = await db().queuePull({ pk })
    await db().queueAcknowledge(item!)
    const [again] = await db().queuePush(item!)
    assert.deepEqual([again?.sk, again?.priority], [item?.sk, 'low'])
    for (const priority of ['urgent', 'High', '', 1, null, {}])
      await rejects(db().queuePush({ pk, priority: priority as 'low' }), {
        code: 'InvalidInput',
        field: 'priority',
      })
    for (const more of [{ sk: 'mine' }, { group: 'g' }])
      await rejects(db().queuePush({ pk, priority: 'high', ...more }), {
        code: 'InvalidInput',
        field: 'priority',
      })
    await rejects(db().transact([{ type: 'queuePush', item: { pk, priority: 'high', group: 'g' } }]), {
      code: 'InvalidInput',
    })
    await db().queuePush({ pk, priority: 'normal', group: 'g' })
  })
}
