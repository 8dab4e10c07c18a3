import type { CallOptions } from 'lockrow'
import { AtomicEngine, type RowOperation, StorageFault } from 'lockrow/backend'
import { TestRuntime } from 'lockrow/testing'
import { describe, expect, it } from 'vitest'
import { MemoryStorage } from '../../../src/memory/storage.ts'

class Clock extends TestRuntime {
  passed = 0
  readonly #start = 1_700_000_000_000
  /** How far this clock is ahead of the others, ms. */
  readonly #ahead: number
  constructor(ahead = 0) {
    super()
    this.#ahead = ahead
  }
  override now = () => this.#start + this.#ahead + this.passed
  override monotonic = () => this.passed
}

const key = { pk: 'p', sk: 'a' }
const lockOf = { pk: 'p', sk: 'a#lock' }
const minute = 60_000

/** The first transaction of `db` is lost on its way, and arrives when `late` is called. */
function lossy(storage: MemoryStorage, clock: Clock) {
  let late: (() => Promise<unknown>) | undefined
  let leave = () => {}
  const left = new Promise<void>((resolve) => {
    leave = resolve
  })
  const slow: MemoryStorage = Object.create(storage, {
    transact: {
      value: async (operations: readonly RowOperation[], token: string, options: CallOptions) => {
        if (late) return storage.transact(operations, token)
        const sent = structuredClone(operations)
        late = () => storage.transact(sent, token)
        leave()
        // A caller with a signal does not wait for what became of it.
        if (options.signal) await new Promise(() => {})
        throw new StorageFault('unknown', 'lost')
      },
    },
  })
  for (const name of ['read', 'readTogether', 'page', 'scan', 'write', 'apply'] as const)
    Object.defineProperty(slow, name, { value: storage[name].bind(storage) })
  return {
    db: new AtomicEngine(slow, { runtime: clock, retry: { baseMs: 0 } }),
    /** Resolves when the first transaction has left. */
    left,
    late: () => late!().catch((error: unknown) => error),
  }
}

describe('a lost transaction whose repeat fails is not applied when it arrives late', () => {
  it('also where the lock had only expired, and is refreshed by a client whose clock is behind', async () => {
    const [ahead, behind] = [new Clock(10_000), new Clock()]
    const storage = new MemoryStorage(behind)
    const other = new AtomicEngine(storage, { runtime: behind })
    const { db, late } = lossy(storage, ahead)
    const lock = await other.getLock(lockOf)
    ahead.passed = behind.passed = 24 * 60 * minute - 5000
    await expect(db.setAtomic({ ...key, data: 'late' }, lock)).rejects.toMatchObject({
      code: 'RaceCondition',
    })
    expect((await other.getLock(lockOf)).version).toBe(lock.version)
    expect(await late()).toMatchObject({ kind: 'mismatch' })
    expect(await other.get(key)).toBeUndefined()
  })

  it('also where the marker of its idempotencyKey is gone by then', async () => {
    const clock = new Clock()
    const storage = new MemoryStorage(clock)
    const other = new AtomicEngine(storage, { runtime: clock })
    const { db, late } = lossy(storage, clock)
    const order = [{ type: 'update', key, changes: { add: { n: 1 } } }] as const
    await other.transact(order, { idempotencyKey: 'order' })
    clock.passed = 19 * minute
    await db.transact(order, { idempotencyKey: 'order' })
    // As DynamoDB deletes what has expired.
    await storage.write([{ delete: { pk: 'order#idempotency', sk: '#' } }])
    expect(await late()).toMatchObject({ kind: 'mismatch' })
    expect((await other.get(key))?.data).toEqual({ n: 1 })
  })
})

describe('an idempotencyKey', () => {
  it('is remembered for ten minutes after a commit that took long', async () => {
    const clock = new Clock()
    const storage = new MemoryStorage(clock)
    const order = [{ type: 'update', key, changes: { add: { n: 1 } } }] as const
    const transact = storage.transact.bind(storage)
    let frozen = 0
    storage.transact = async (operations, token) => {
      if (frozen++ > 0) return transact(operations, token)
      // Refused; and before the next try the process is suspended.
      clock.passed += 30 * minute
      throw new StorageFault('throttled', 'slow down')
    }
    const db = new AtomicEngine(storage, { runtime: clock, retry: { baseMs: 0 } })
    await db.transact(order, { idempotencyKey: 'order' })
    clock.passed += 9 * minute
    await db.transact(order, { idempotencyKey: 'order' })
    expect((await db.get(key))?.data).toEqual({ n: 1 })
  })

  it('is remembered for ten minutes after a try that arrived late', async () => {
    const clock = new Clock()
    const storage = new MemoryStorage(clock)
    const { db, late, left } = lossy(storage, clock)
    const order = [{ type: 'update', key, changes: { add: { n: 1 } } }] as const
    await db.set({ ...key, data: { n: 0 } })
    const impatient = new AbortController()
    const call = db.transact(order, { idempotencyKey: 'order', signal: impatient.signal })
    await left
    impatient.abort(new Error('no time'))
    await expect(call).rejects.toThrow('no time')
    clock.passed += 9.4 * minute
    expect(await late()).toEqual([])
    clock.passed += 9 * minute
    await db.transact(order, { idempotencyKey: 'order' })
    expect((await db.get(key))?.data).toEqual({ n: 1 })
    clock.passed += 21 * minute
    await new AtomicEngine(storage, { runtime: clock }).transact(order, { idempotencyKey: 'order' })
    expect((await db.get(key))?.data).toEqual({ n: 2 })
  })
})
