import { type AtomicDbOperation, AtomicMemoryDb, ConditionFailed, InvalidInput, lockKey } from 'lockrow'
import { describe, expect, test } from 'vitest'

const key = (sk: string) => ({ pk: 'p', sk })
const set = (sk: string, data: unknown = sk): AtomicDbOperation => ({
  type: 'set',
  item: { ...key(sk), data },
})
const keys = (count: number) => Array.from({ length: count }, (_, i) => `k${i}`)

describe('transact', () => {
  test.each([undefined, {}, 'x'])('%j is no list of operations', async (operations) => {
    await expect(new AtomicMemoryDb().transact(operations as never)).rejects.toThrow(
      /operations: must be an array/,
    )
  })

  test('an empty one is refused', async () => {
    await expect(new AtomicMemoryDb().transact([])).rejects.toThrow(InvalidInput)
  })

  test('a hundred rows are the most, the marker of an idempotencyKey among them', async () => {
    const db = new AtomicMemoryDb()
    await db.transact(keys(100).map((sk) => set(sk)))
    expect(await db.query({ pk: 'p' })).toHaveLength(100)
    await expect(db.transact(keys(101).map((sk) => set(sk)))).rejects.toMatchObject({
      limit: 100,
      given: '101: 101 set',
    })
    await db.transact(
      keys(99).map((sk) => set(sk)),
      { idempotencyKey: 'once' },
    )
    await expect(
      db.transact(
        keys(100).map((sk) => set(sk)),
        { idempotencyKey: 'twice' },
      ),
    ).rejects.toMatchObject({
      given: '101: 100 set, 1 for the idempotencyKey',
    })
  })

  test('what does not fit is told by kinds', async () => {
    const many = [
      ...keys(60).map((sk) => set(sk)),
      ...keys(60).map((sk) => ({ type: 'delete', key: key(sk) }) as const),
    ]
    await expect(new AtomicMemoryDb().transact(many)).rejects.toMatchObject({
      given: '120: 60 set, 60 delete',
    })
  })

  test('two operations on one row are refused, whatever they are', async () => {
    const twice = new AtomicMemoryDb().transact([set('a'), set('b'), { type: 'delete', key: key('a') }])
    await expect(twice).rejects.toMatchObject({ code: 'InvalidInput', keys: [key('a')] })
  })

  test('4 MB are the most, to the byte, and few rows are looked at by the service alone', async () => {
    const db = new AtomicMemoryDb()
    const mb = 4 * 1024 * 1024
    const sks = keys(11)
    // A row is its text, the values of its keys, and the names of its attributes.
    const rest = (sk: string) => 1 + sk.length + 'pksk'.length + 'data'.length
    const of = (bytes: number) =>
      sks.map((sk, i) => set(sk, 'x'.repeat((i < 10 ? 390_000 : bytes - 3_900_000) - rest(sk))))
    await db.transact(of(mb))
    await expect(db.transact(of(mb + 1))).rejects.toMatchObject({ limit: mb, given: `${mb + 1} bytes` })
    expect(await db.query({ pk: 'p' })).toHaveLength(11)
  })

  test('what failed is told by place and kind, and nothing is written', async () => {
    const db = new AtomicMemoryDb()
    await db.set({ ...key('a'), data: { n: 1 } })
    const error = await db
      .transact([set('b'), { type: 'update', key: key('a'), changes: { set: { n: 2 } }, if: { n: 5 } }])
      .catch((thrown) => thrown)
    expect(error).toBeInstanceOf(ConditionFailed)
    expect(error.conflicts).toMatchObject([{ index: 1, key: key('a'), reason: 'condition' }])
    expect(await db.get(key('b'))).toBe(undefined)
  })

  test('a second one under the same idempotencyKey has the first result and changes nothing', async () => {
    const db = new AtomicMemoryDb()
    const push: AtomicDbOperation = { type: 'queuePush', item: { pk: 'q', data: 1 } }
    const add: AtomicDbOperation = { type: 'update', key: key('n'), changes: { add: { n: 1 } } }
    const first = await db.transact([add, push], { idempotencyKey: 'once' })
    const second = await db.transact([add, push], { idempotencyKey: 'once' })
    expect(second.pushed.map(({ sk }) => sk)).toEqual(first.pushed.map(({ sk }) => sk))
    expect([(await db.get(key('n')))!.data, (await db.queuePeek({ pk: 'q' })).length]).toEqual([{ n: 1 }, 1])
  })
})

describe('setAtomic', () => {
  test('writes items and gives their locks new versions', async () => {
    const db = new AtomicMemoryDb()
    const lock = await db.getLock(lockKey(key('a')))
    const [bumped, ...none] = await db.setAtomic([{ ...key('a'), data: 1 }], [lock])
    expect([bumped!.version === lock.version, none]).toEqual([false, []])
    expect((await db.getLock(lockKey(key('a')))).version).toBe(bumped!.version)
    await expect(db.setAtomic({ ...key('a'), data: 2 }, lock)).rejects.toMatchObject({
      conflicts: [{ index: 1, reason: 'lock' }],
    })
    expect((await db.get(key('a')))!.data).toBe(1)
  })

  test('without a lock, and with too many rows, it is refused', async () => {
    const db = new AtomicMemoryDb()
    await expect(db.setAtomic({ ...key('a'), data: 1 }, [])).rejects.toThrow(/use set/)
    const locks = await Promise.all(keys(51).map((sk) => db.getLock(lockKey(key(sk)))))
    const items = keys(50).map((sk) => ({ ...key(sk), data: 1 }))
    await expect(db.setAtomic(items, locks)).rejects.toMatchObject({ given: '101: 50 items and 51 locks' })
    await db.setAtomic(items, locks.slice(0, 50))
    await expect(db.setAtomic([items[0]!, items[0]!], locks[50]!)).rejects.toThrow(
      /two operations on one row/,
    )
  })

  test('errors name the argument as it was given', async () => {
    const db = new AtomicMemoryDb()
    const lock = await db.getLock(lockKey(key('a')))
    const wrong = { pk: 'p', sk: '' }
    await expect(db.setAtomic(wrong, lock)).rejects.toThrow(/^item\.sk/)
    await expect(db.setAtomic([wrong], lock)).rejects.toThrow(/^items\[0\]\.sk/)
    await expect(db.setAtomic({ ...key('a') }, { ...lock, version: 5 } as never)).rejects.toThrow(/^lock:/)
    await expect(db.setAtomic({ ...key('a') }, [{ ...lock, version: 5 }] as never)).rejects.toThrow(
      /^locks\[0\]:/,
    )
  })
})
