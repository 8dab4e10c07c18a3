import { type AtomicDbInterface, PartialWrite, Throttled } from 'lockrow'
import { AtomicEngine, StorageFault, systemRuntime } from 'lockrow/backend'
import { describe, expect, it } from 'vitest'
import { MemoryStorage } from '../../src/memory/storage.ts'

/** A database that is throttled for good after so many writes, until `heal`. */
function throttledAfter(writes: number) {
  const storage = new MemoryStorage(systemRuntime)
  let left = Number.POSITIVE_INFINITY
  const refuse = () => {
    if (left-- <= 0) throw new StorageFault('throttled', 'slow down')
  }
  const failing: MemoryStorage = Object.create(storage)
  for (const name of ['read', 'readTogether', 'page', 'scan', 'apply'] as const)
    Object.defineProperty(failing, name, { value: storage[name].bind(storage) })
  for (const name of ['write', 'transact'] as const)
    Object.defineProperty(failing, name, {
      value: async (...given: never[]) => {
        refuse()
        return (storage[name] as (...args: never[]) => unknown).apply(storage, given)
      },
    })
  const db = new AtomicEngine(failing, { retry: { attempts: 2, baseMs: 0 } })
  return {
    db,
    fail: () => {
      left = writes
    },
    heal: () => {
      left = Number.POSITIVE_INFINITY
    },
  }
}

const rows = 2500
const items = Array.from({ length: rows }, (_, i) => ({ pk: 'p', sk: `${i}`.padStart(5, '0'), data: i }))

const works: Record<string, [(db: AtomicDbInterface) => Promise<number>, firstSlice: number]> = {
  deleteRange: [async (db) => (await db.deleteRange({ pk: 'p' })).deleted, 1000],
  queuePurge: [(db) => db.queuePurge('q'), 1000],
  queueRedrive: [(db) => db.queueRedrive({ from: 'q', to: 'r' }), 1],
}

describe.each(Object.entries(works))('%s', (_, [work, firstSlice]) => {
  it('that is throttled after its first slice says how much is done, and goes on when it is called again', async () => {
    const { db, fail, heal } = throttledAfter(1)
    await db.set(items)
    await db.queuePush(items.map(({ data }) => ({ pk: 'q', data })))
    fail()
    const error = await work(db).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(PartialWrite)
    expect(error).toMatchObject({ done: firstSlice, cause: { code: 'Throttled' } })
    expect((error as Error).message).toContain(`${firstSlice} rows done: call it again to go on`)
    heal()
    expect(await work(db)).toBe(rows - firstSlice)
  })

  it('that is throttled at once is Throttled: nothing is done', async () => {
    const { db, fail } = throttledAfter(0)
    await db.set(items)
    await db.queuePush(items.map(({ data }) => ({ pk: 'q', data })))
    fail()
    await expect(work(db)).rejects.toBeInstanceOf(Throttled)
  })
})
