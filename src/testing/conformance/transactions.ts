import { absent, unchanged } from '../../contract/conditions.ts'
import type { Conflict } from '../../errors.ts'
import type { AtomicDbOperation } from '../../interface.ts'
import { assert, type Kit, rejects, seconds } from './kit.ts'

export function transactions({ db, clock, test }: Kit): void {
  test('all operations happen together', async (pk) => {
    await db().set([
      { pk, sk: 'old', data: 1 },
      { pk, sk: 'n', data: { n: 1 } },
    ])
    const check = await db().getLock({ pk, sk: 'c#lock' })
    const bump = await db().getLock({ pk, sk: 'b#lock' })
    await db().queuePush({ pk: `${pk}q`, data: 'in' })
    const { item } = await db().queuePull({ pk: `${pk}q` })
    const { locks, pushed } = await db().transact([
      { type: 'check', lock: check },
      { type: 'bump', lock: bump },
      { type: 'set', item: { pk, sk: 'set', data: 's' } },
      { type: 'setIfAbsent', item: { pk, sk: 'unique', data: 'u' } },
      { type: 'delete', key: { pk, sk: 'old' } },
      { type: 'update', key: { pk, sk: 'n' }, changes: { add: { n: 1 } }, if: { n: 1 } },
      { type: 'queuePush', item: { pk: `${pk}out`, data: 'out' } },
      { type: 'queueAcknowledge', item: item! },
    ])
    assert.deepEqual(locks[0], check)
    assert.notEqual(locks[1]?.version, bump.version)
    assert.deepEqual(await db(1).getLock(bump), locks[1])
    assert.deepEqual(
      (await db(1).query({ pk })).map((found) => [found.sk, found.data]),
      [
        ['n', { n: 2 }],
        ['set', 's'],
        ['unique', 'u'],
      ],
    )
    assert.equal((await db(1).queueStats(`${pk}q`)).inFlight, 0)
    assert.deepEqual(
      pushed.map(({ data }) => data),
      ['out'],
    )
    assert.equal((await db(1).queuePull({ pk: `${pk}out` })).item?.sk, pushed[0]?.sk)
  })

  test('a failed transaction leaves no trace and lists every part that failed', async (pk) => {
    const lock = await db().getLock({ pk, sk: 'l#lock' })
    const [moved] = await db(1).setAtomic({ pk, sk: 'there', data: 'first' }, lock)
    await db().queuePush({ pk: `${pk}q` })
    const { item } = await db().queuePull({ pk: `${pk}q` })
    await db().queueRelease(item!)
    const operations: AtomicDbOperation[] = [
      { type: 'set', item: { pk, sk: 'new' } },
      { type: 'bump', lock },
      { type: 'setIfAbsent', item: { pk, sk: 'there', data: 'second' } },
      { type: 'update', key: { pk, sk: 'none' }, changes: { add: { n: 1 } }, if: { n: 1 } },
      { type: 'queueAcknowledge', item: item! },
      { type: 'queuePush', item: { pk: `${pk}out` } },
      { type: 'delete', key: { pk, sk: 'x' }, if: { n: 1 } },
    ]
    const error = await rejects(db().transact(operations), { code: 'RaceCondition' })
    const conflicts = error.conflicts as {
      index: number
      reason: string
      current?: { version?: string; data?: unknown }
    }[]
    assert.deepEqual(
      conflicts.map(({ index, reason }) => [index, reason]),
      [
        [1, 'lock'],
        [2, 'exists'],
        [3, 'condition'],
        [4, 'receipt'],
        [6, 'condition'],
      ],
    )
    assert.equal(conflicts[0]?.current?.version, moved?.version)
    assert.equal(conflicts[1]?.current?.data, 'first')
    assert.deepEqual(
      (await db(1).query({ pk })).map(({ sk }) => sk),
      ['there'],
    )
    assert.deepEqual(await db(1).getLock({ pk, sk: 'l#lock' }), moved)
    assert.equal((await db(1).queuePull({ pk: `${pk}out` })).item, undefined)
    assert.equal((await db(1).queueStats(`${pk}q`)).ready, 1)
  })

  test('a transaction with an idempotencyKey is applied once, whoever repeats it', async (pk) => {
    await db().set({ pk, sk: 'n', data: { n: 0 } })
    const run = async (client: number) => {
      const lock = await db(client).getLock({ pk, sk: 'l#lock' })
      const operations: AtomicDbOperation[] = [
        { type: 'bump', lock },
        { type: 'update', key: { pk, sk: 'n' }, changes: { add: { n: 1 } } },
        { type: 'queuePush', item: { pk: `${pk}q`, data: new Set(['a', 'b']) } },
      ]
      return db(client).transact(operations, { idempotencyKey: `${pk}-1` })
    }
    const first = await run(0)
    const second = await run(1)
    assert.deepEqual(second.locks, first.locks)
    assert.deepEqual(
      second.pushed.map(({ sk, enqueuedAt }) => [sk, enqueuedAt]),
      first.pushed.map(({ sk, enqueuedAt }) => [sk, enqueuedAt]),
    )
    assert.deepEqual((await db(2).get({ pk, sk: 'n' }))?.data, { n: 1 })
    assert.equal((await db(2).queueStats(`${pk}q`)).ready, 1)
    const other: AtomicDbOperation[] = [{ type: 'set', item: { pk, sk: 'other' } }]
    await rejects(db(1).transact(other, { idempotencyKey: `${pk}-1` }), { code: 'IdempotencyMismatch' })
    assert.equal(await db(1).get({ pk, sk: 'other' }), undefined)
    clock.advance(21 * 60_000)
    await db(1).transact(other, { idempotencyKey: `${pk}-1` })
    assert.notEqual(await db(1).get({ pk, sk: 'other' }, { consistent: true }), undefined)
  })

  test('racers with one idempotencyKey: one is applied, all get its result', async (pk) => {
    const operations: AtomicDbOperation[] = [
      { type: 'update', key: { pk, sk: 'n' }, changes: { add: { n: 1 } } },
      { type: 'queuePush', item: { pk: `${pk}q` } },
    ]
    const results = await Promise.all(
      [0, 1, 2, 3].map((client) => db(client).transact(operations, { idempotencyKey: pk })),
    )
    assert.equal(new Set(results.map((result) => result.pushed[0]?.sk)).size, 1)
    assert.deepEqual((await db(5).get({ pk, sk: 'n' }))?.data, { n: 1 })
  })

  test('a failed transaction does not use up its idempotencyKey', async (pk) => {
    const operations: AtomicDbOperation[] = [
      { type: 'update', key: { pk, sk: 'n' }, changes: { add: { n: 1 } }, if: { n: 1 } },
    ]
    await rejects(db().transact(operations, { idempotencyKey: pk }), { code: 'ConditionFailed' })
    await db().set({ pk, sk: 'n', data: { n: 1 } })
    await db().transact(operations, { idempotencyKey: pk })
    await db().transact(operations, { idempotencyKey: pk })
    assert.deepEqual((await db(1).get({ pk, sk: 'n' }))?.data, { n: 2 })
  })

  test('up to 100 rows, counted beforehand by where they come from', async (pk) => {
    const sets = (count: number) =>
      Array.from({ length: count }, (_, i): AtomicDbOperation => ({ type: 'set', item: { pk, sk: `i${i}` } }))
    await db().transact(sets(100))
    const lock = await db().getLock({ pk, sk: 'l#lock' })
    await rejects(db().transact([...sets(100), { type: 'bump', lock }]), {
      code: 'InvalidInput',
      limit: 100,
      given: '101: 100 set, 1 bump',
    })
    await rejects(db().transact(sets(100), { idempotencyKey: pk }), { code: 'InvalidInput', limit: 100 })
    const items = Array.from({ length: 100 }, (_, i) => ({ pk, sk: `j${i}` }))
    await rejects(db().setAtomic(items, lock), { code: 'InvalidInput', given: '101: 100 items and 1 locks' })
    await db().setAtomic(items.slice(1), lock)
    assert.equal((await db().query({ pk, sk: 'j' })).length, 99)
  })

  test('4 MB at most', async (pk) => {
    const big = (count: number) =>
      Array.from(
        { length: count },
        (_, i): AtomicDbOperation => ({ type: 'set', item: { pk, sk: `i${i}`, data: 'x'.repeat(380_000) } }),
      )
    await rejects(db().transact(big(12)), { code: 'InvalidInput' })
    assert.deepEqual(await db().query({ pk }), [])
  })

  test('one operation per row', async (pk) => {
    const lock = await db().getLock({ pk, sk: 'l#lock' })
    for (const operations of [
      [
        { type: 'set', item: { pk, sk: 'a' } },
        { type: 'delete', key: { pk, sk: 'a' } },
      ],
      [
        { type: 'check', lock },
        { type: 'bump', lock },
      ],
      [
        { type: 'set', item: { pk, sk: 'l#lock' } },
        { type: 'bump', lock },
      ],
    ] as AtomicDbOperation[][]) {
      await rejects(db().transact(operations), { code: 'InvalidInput' })
    }
    await rejects(
      db().setAtomic(
        [
          { pk, sk: 'a' },
          { pk, sk: 'a' },
        ],
        lock,
      ),
      { code: 'InvalidInput' },
    )
    await rejects(db().setAtomic({ pk, sk: 'l#lock' }, lock), { code: 'InvalidInput' })
    await rejects(db().setAtomic({ pk, sk: 'a' }, []), { code: 'InvalidInput' })
    assert.deepEqual(await db().query({ pk }), [])
  })

  test('malformed operations are refused before anything is sent', async (pk) => {
    const malformed: unknown[] = [
      [],
      'set',
      [null],
      [{ type: 'put', item: { pk, sk: 'a' } }],
      [{ type: 'set' }],
      [{ type: 'set', item: { pk } }],
      [{ type: 'update', key: { pk, sk: 'a' } }],
      [{ type: 'check', lock: { pk, sk: 'a' } }],
      [{ type: 'queuePush', item: {} }],
      [{ type: 'queueAcknowledge', item: { pk } }],
    ]
    for (const operations of malformed)
      await rejects(db().transact(operations as AtomicDbOperation[]), { code: 'InvalidInput' })
    for (const idempotencyKey of ['', 'x'.repeat(1001), '\ud800']) {
      await rejects(db().transact([{ type: 'set', item: { pk, sk: 'a' } }], { idempotencyKey }), {
        code: 'InvalidInput',
        field: 'idempotencyKey',
      })
    }
    assert.deepEqual(await db().query({ pk }), [])
  })

  test('conditions on what is not there', async (pk) => {
    await db().transact([{ type: 'set', item: { pk, sk: 'a', data: 1 }, if: absent }])
    await rejects(db().transact([{ type: 'set', item: { pk, sk: 'a', data: 2 }, if: absent }]), {
      code: 'ConditionFailed',
    })
    assert.equal((await db().get({ pk, sk: 'a' }))?.data, 1)
  })

  test('the item is still what was read: unchanged', async (pk) => {
    const key = { pk, sk: 'a' }
    const data = { n: 1, set: new Set(['x', 'y']), bytes: new Uint8Array([1]), big: 9007199254740993n }
    await db().set({ ...key, data, ttl: 9_999_999_999 })
    const read = await db(1).get(key)
    await db().transact([{ type: 'check', key, if: unchanged(read) }])
    await db().transact([{ type: 'check', key: { pk, sk: 'none' }, if: unchanged(undefined) }])
    await db().transact([{ type: 'update', key, changes: { add: { n: 1 } }, if: unchanged(read) }])
    for (const operation of [
      { type: 'check', key, if: unchanged(read) },
      { type: 'check', key, if: unchanged(undefined) },
      { type: 'set', item: { ...key, data: 'late' }, if: unchanged(read) },
      { type: 'delete', key, if: unchanged(read) },
      { type: 'check', key: { pk, sk: 'none' }, if: unchanged(read) },
    ] as AtomicDbOperation[]) {
      const error = await rejects(db(1).transact([operation]), { code: 'RaceCondition' })
      assert.equal((error.conflicts as Conflict[])[0]?.reason, 'value')
    }
    await db().set({ ...key, data: { ...data, n: 2 } })
    await rejects(db().transact([{ type: 'check', key, if: unchanged({ ...read, data: { n: 2 } }) }]), {
      code: 'RaceCondition',
    })
    assert.deepEqual((await db(1).get(key))?.data, { ...data, n: 2 })
  })

  test('what has expired counts as absent for a check, and as changed for what was read', async (pk) => {
    const key = { pk, sk: 'a' }
    await db().set({ ...key, data: 1, ttl: seconds(clock, 5) })
    const read = await db().get(key)
    clock.advance(6000)
    await rejects(db().transact([{ type: 'check', key, if: unchanged(read) }]), { code: 'RaceCondition' })
    await db().transact([{ type: 'check', key, if: unchanged(undefined) }])
    await db().transact([{ type: 'update', key, changes: { set: { '': 2 } }, if: unchanged(undefined) }])
    assert.deepEqual(await db(1).get(key), { ...key, data: 2 })
  })

  test('a bump by key: holders notice, an item that lies there stays, a lock is made where there is none', async (pk) => {
    const key = { pk, sk: 'a#lock' }
    const lock = await db().getLock(key)
    await db(1).transact([{ type: 'bump', key }])
    await rejects(db().setAtomic([], lock), { code: 'RaceCondition' })
    const next = await db().getLock(key)
    assert.notEqual(next.version, lock.version)
    await db().setAtomic([], next)
    const item = { pk, sk: 'item', data: 1 }
    await db().set(item)
    await db().transact([
      { type: 'bump', key: { pk, sk: 'item' } },
      { type: 'bump', key: { pk, sk: 'new#lock' } },
    ])
    assert.deepEqual(await db(1).query({ pk }), [item])
    await db().delete({ pk, sk: 'new#lock' })
  })
}
