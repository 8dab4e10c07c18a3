import { AtomicMemoryDb, BackendError, Counter, OutcomeUnknown } from 'lockrow'
import { expect, it } from 'vitest'
import { onBothBackends } from '../setup/backends.ts'

onBothBackends('Counter', ({ open, pk }) => {
  it('any signed amount, bounded, sharded, blocks', async () => {
    const key = { pk: pk(), sk: 'c' }
    const counter = new Counter(open(), key)
    expect(await counter.increment()).toBe(1)
    expect(await counter.increment(-5)).toBe(-4)
    expect(await counter.increment(0.5, { exactlyOnce: true })).toBe(-3.5)
    expect(await counter.incrementWithin(10, { max: 6 })).toEqual({ applied: false, value: -3.5 })
    expect(await counter.get()).toBe(-3.5)
    const sharded = new Counter(open(), { pk: pk(), sk: 'c' }, { shards: 5 })
    await Promise.all(Array.from({ length: 50 }, () => sharded.increment(2)))
    expect(await sharded.get()).toBe(100)
    expect(() => sharded.allocate(1)).toThrow(expect.objectContaining({ code: 'InvalidInput' }))
    const ids = new Counter(open(), { pk: pk(), sk: 'ids' })
    expect([await ids.allocate(10), await ids.allocate(5)]).toEqual([
      { first: 1, last: 10 },
      { first: 11, last: 15 },
    ])
    for (const shards of [0, 1.5, 1001])
      expect(() => new Counter(open(), key, { shards })).toThrow(expect.objectContaining({ field: 'shards' }))
  })

  it('keeps its value when the number of shards goes up and down', async () => {
    const key = { pk: pk(), sk: 'c' }
    let sum = 0
    for (const shards of [1, 4, 2, 9, 1, 3]) {
      const counter = new Counter(open(), key, { shards })
      for (let i = 0; i < 30; i++) await counter.increment(shards)
      sum += 30 * shards
      for (const other of [1, 2, 3, 4, 9, 20])
        expect(await new Counter(open(), key, { shards: other }).get(), `${shards} read as ${other}`).toBe(
          sum,
        )
    }
  })

  it('keeps its value while processes with old and new numbers of shards write', async () => {
    const key = { pk: pk(), sk: 'c' }
    await Promise.all(
      Array.from({ length: 60 }, (_, i) => new Counter(open(), key, { shards: 1 + (i % 6) }).increment()),
    )
    for (const shards of [1, 3, 6]) expect(await new Counter(open(), key, { shards }).get()).toBe(60)
  })
})

it('has up to 1,000 shards', () => {
  const db = new AtomicMemoryDb()
  const key = { pk: 'p', sk: 'c' }
  expect(() => new Counter(db, key, { shards: 1000 })).not.toThrow()
  expect(() => new Counter(db, key, { shard: 3 } as never)).toThrow(/shards/)
})

it('notes its number of shards once, and gives up where that cannot be told', async () => {
  const db = new AtomicMemoryDb()
  const key = { pk: 'p', sk: 'c' }
  const registry = { pk: 'p#shards', sk: 'c' }
  const counter = new Counter(db, key, { shards: 3 })
  let lost = 0
  const update = db.update.bind(db)
  let notes = 0
  db.update = (async (of, changes, options) => {
    if (of.pk !== registry.pk) return update(of, changes, options)
    notes++
    if (lost-- > 0) throw new OutcomeUnknown('lost')
    return update(of, changes, options)
  }) as typeof update
  lost = 3
  await expect(counter.increment()).rejects.toThrow(BackendError)
  expect([notes, await counter.get()]).toEqual([3, 0])
  lost = 2
  notes = 0
  expect([await counter.increment(5), notes]).toEqual([5, 3])
  // Lost, but written: that is found by reading.
  await new Counter(db, key, { shards: 2 }).increment(1)
  expect(await counter.get()).toBe(6)
  expect((await db.get(registry))!.data).toEqual({ count: 3 })
})

it('a sum without shards reads no more than the counter and how many there were', async () => {
  const db = new AtomicMemoryDb()
  const counter = new Counter(db, { pk: 'p', sk: 'c' })
  await counter.increment(3)
  const asked: number[] = []
  const getMany = db.getMany.bind(db)
  db.getMany = ((keys, options) => {
    asked.push(keys.length)
    return getMany(keys, options)
  }) as typeof getMany
  expect([await counter.get(), asked]).toEqual([3, [2]])
})
