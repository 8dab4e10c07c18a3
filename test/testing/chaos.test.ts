import {
  AtomicDbError,
  type AtomicDbInterface,
  AtomicMemoryDb,
  BackendError,
  ConditionFailed,
  consume,
  lockKey,
  OutcomeUnknown,
  PartialWrite,
  RaceCondition,
  StaleReceipt,
  Throttled,
  transaction,
} from 'lockrow'
import { AtomicChaosDb, type ChaosFault, chaosFaults, Simulation } from 'lockrow/testing'
import { describe, expect, test } from 'vitest'

const key = { pk: 'shoes', sk: 'sneaker' }
interface Shoe {
  stock: number
}

/** Two handlers that sell one pair, as in docs/testing.md: the first looks right. */
async function sellWrong(db: AtomicDbInterface): Promise<void> {
  const item = await db.get<Shoe>(key)
  await db.set({ ...key, data: { stock: item!.data.stock - 1 } })
}

async function sellRight(db: AtomicDbInterface, orderId: string): Promise<void> {
  for (;;) {
    try {
      await db.transact(
        [{ type: 'update', key, changes: { add: { stock: -1 } }, if: { stock: { gte: 1 } } }],
        { idempotencyKey: orderId },
      )
      return
    } catch (error) {
      const soldOut = error instanceof ConditionFailed
      if (soldOut || !(error instanceof AtomicDbError)) throw error
      await db.runtime.sleep(db.runtime.random() * 10)
    }
  }
}

/** Sells `orders` pairs at once; gives what was confirmed and what is missing from the stock. */
async function sell(seed: number, handler: (db: AtomicDbInterface, orderId: string) => Promise<void>) {
  const world = new Simulation({ seed })
  const real = new AtomicMemoryDb({ runtime: world.process() })
  const db = new AtomicChaosDb(real, { seed, log: () => {} })
  return world.run(async () => {
    await real.set({ ...key, data: { stock: 100 } })
    const orders = Array.from({ length: 40 }, (_, i) => handler(db, `order-${i}`))
    const confirmed = (await Promise.allSettled(orders)).filter(({ status }) => status === 'fulfilled').length
    const { data } = (await real.get<Shoe>(key))!
    return { confirmed, sold: 100 - data.stock }
  })
}

const seeds = Array.from({ length: 20 }, (_, i) => i + 1)

describe('the example of the documentation', () => {
  test.each(seeds.slice(0, 5))('seed %i: the wrong handler loses updates', async (seed) => {
    const { confirmed, sold } = await sell(seed, sellWrong)
    expect(sold).toBeLessThan(confirmed)
  })

  test.each(seeds)('seed %i: the right one sells each order once', async (seed) => {
    expect(await sell(seed, sellRight)).toEqual({ confirmed: 40, sold: 40 })
  })

  test('one seed, one history', async () => {
    expect(await sell(3, sellWrong)).toEqual(await sell(3, sellWrong))
  })

  test('an optimistic transaction never confirms what it did not do', async () => {
    const bySeed = await Promise.all(
      seeds.map((seed) =>
        sell(seed, (db) =>
          transaction(db, async (tx) => {
            const item = await tx.get<Shoe>(key)
            tx.set({ ...key, data: { stock: item!.data.stock - 1 } })
          }),
        ),
      ),
    )
    for (const { confirmed, sold } of bySeed) expect(sold).toBeGreaterThanOrEqual(confirmed)
    expect(bySeed.some(({ confirmed }) => confirmed > 5)).toBe(true)
  })
})

/** A chaos with one fault alone, always. */
function only(fault: ChaosFault, real = new AtomicMemoryDb()) {
  const none = Object.fromEntries(chaosFaults.map((name) => [name, name === fault ? 1 : 0]))
  const db = new AtomicChaosDb(real, { seed: 1, rates: none, log: () => {} })
  return { db, real }
}

describe('each fault does what it says', () => {
  test.each([
    ['throttled', Throttled, false],
    ['unavailable', BackendError, false],
    ['lostRequest', OutcomeUnknown, false],
    ['lostReply', OutcomeUnknown, true],
  ] as const)('%s', async (fault, error, done) => {
    const { db, real } = only(fault)
    await expect(db.set({ ...key, data: 1 })).rejects.toThrow(error)
    expect((await real.get(key)) !== undefined).toBe(done)
    expect(db.counts[fault]).toBe(1)
  })

  test('conflict', async () => {
    const { db, real } = only('conflict')
    const lock = await real.getLock(lockKey(key))
    await expect(db.setAtomic({ ...key, data: 1 }, lock)).rejects.toMatchObject({
      code: 'RaceCondition',
      conflicts: [{ reason: 'conflict' }, { reason: 'conflict' }],
    })
    await expect(db.transact([{ type: 'bump', lock }])).rejects.toThrow(RaceCondition)
    expect(await real.get(key)).toBeUndefined()
  })

  test('partialWrite lists what is not there', async () => {
    const { db, real } = only('partialWrite')
    const items = Array.from({ length: 10 }, (_, i) => ({ pk: 'many', sk: `${i}`, data: i }))
    const error = await db.set(items).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(PartialWrite)
    const missing = (error as PartialWrite).keys.map(({ sk }) => sk).sort()
    const there = (await real.query({ pk: 'many' })).map(({ sk }) => sk)
    expect([...there, ...missing].sort()).toEqual(items.map(({ sk }) => sk))
    expect(missing.length).toBeGreaterThan(0)
  })

  test('staleRead: eventually consistent reads alone', async () => {
    const { db, real } = only('staleRead')
    await real.set({ ...key, data: 1 })
    await db.get(key)
    await real.set({ ...key, data: 2 })
    expect(await db.get(key, { consistent: false })).toMatchObject({ data: 1 })
    expect(await db.get(key)).toMatchObject({ data: 2 })
  })

  test('redelivery: a second consumer gets the message, and only one can finish it', async () => {
    const { db, real } = only('redelivery')
    await real.queuePush({ pk: 'jobs', data: 1 })
    const first = (await db.queuePull({ pk: 'jobs' })).item!
    const second = (await real.queuePull({ pk: 'jobs' })).item!
    expect(second.sk).toBe(first.sk)
    const finish = (item: typeof first) => consume(db, item, (tx) => tx.set({ ...key, data: 'done' }))
    await expect(finish(first)).rejects.toThrow(StaleReceipt)
    await finish(second)
  })

  test('the seed is told', () => {
    const lines: string[] = []
    new AtomicChaosDb(new AtomicMemoryDb(), { seed: 5, log: (line) => lines.push(line) })
    new AtomicChaosDb(new AtomicMemoryDb(), { log: (line) => lines.push(line) })
    expect(lines[0]).toBe('chaos with seed 5')
    expect(lines[1]).toMatch(/^chaos with seed \d+$/)
  })
})
