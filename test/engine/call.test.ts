import { getEventListeners, once } from 'node:events'
import {
  AtomicMemoryDb,
  atomic,
  BackendError,
  InvalidInput,
  OutcomeUnknown,
  remainingTime,
  Throttled,
} from 'lockrow'
import { AtomicEngine, StorageFault, systemRuntime } from 'lockrow/backend'
import { describe, expect, test } from 'vitest'
import { MemoryStorage } from '../../src/memory/storage.ts'
import { StorageFault as Copy } from '../../src/storage.ts'

const key = { pk: 'p', sk: 'a' }

describe('a call leaves nothing behind', () => {
  test('no listener stays on a signal that lives on', async () => {
    const db = new AtomicMemoryDb({ timeoutMs: 10_000 })
    const { signal } = new AbortController()
    await db.set({ ...key, data: 1 }, { signal })
    await db.get(key, { signal })
    await db.queuePull({ pk: 'jobs', signal })
    for await (const item of db.stream({ pk: 'p', signal })) expect(item).toBeDefined()
    const left = db.stream({ pk: 'p', signal }) as unknown as {
      destroy(): void
      on(name: string, fn: () => void): void
    }
    left.destroy()
    await once(left as never, 'close')
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })

  test('a stream whose page never comes ends at once when it is destroyed, or its signal aborted', async () => {
    const storage = new MemoryStorage(systemRuntime)
    storage.page = () => new Promise(() => {})
    const db = new AtomicEngine(storage)
    const stream = db.stream({ pk: 'p' }) as unknown as NodeJS.ReadStream
    stream.resume()
    stream.destroy()
    await once(stream, 'close')
    const stop = new AbortController()
    const other = db.stream({ pk: 'p', signal: stop.signal }) as unknown as NodeJS.ReadStream
    other.resume()
    const failed = once(other, 'error')
    stop.abort(new Error('enough'))
    expect(String(await failed)).toContain('enough')
  })

  test('an abort ends a storage that knows no signals', async () => {
    const storage = new MemoryStorage(systemRuntime)
    storage.apply = () => new Promise(() => {})
    const stop = new AbortController()
    const call = new AtomicEngine(storage).update(key, { set: { n: 1 } }, { signal: stop.signal })
    stop.abort(new Error('enough'))
    await expect(call).rejects.toThrow('enough')
  })
})

test('a request that the deadline kept from being sent is no doubt', async () => {
  let now = 0
  let ring = () => {}
  const runtime = {
    ...systemRuntime,
    monotonic: () => now,
    sleep: () => new Promise<void>((resolve) => (ring = resolve)),
  }
  const storage = new MemoryStorage(runtime)
  const applied: unknown[] = []
  storage.apply = async (operation) => {
    applied.push(operation)
    now = 2000
    ring()
    // Refused, and the deadline strikes before the update is planned anew.
    return { applied: false, row: { ...key, data: { n: 1 } } }
  }
  const call = new AtomicEngine(storage, { runtime }).update(key, { add: { n: 1 } }, { timeoutMs: 1000 })
  const error = await call.catch((thrown: unknown) => thrown)
  expect([applied.length, error]).toEqual([1, expect.any(BackendError)])
  expect(error).not.toBeInstanceOf(OutcomeUnknown)
})

describe('options', () => {
  test.each([
    { attempts: Number.NaN },
    { attempts: 0 },
    { attempts: 1.5 },
    { baseMs: -1 },
    { maxMs: Number.NaN },
    { tries: 3 },
  ])('retry %j is refused', (retry) => {
    expect(() => new AtomicMemoryDb({ retry })).toThrow(InvalidInput)
  })

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('timeoutMs %d is refused', async (timeoutMs) => {
    expect(() => new AtomicMemoryDb({ timeoutMs })).toThrow(InvalidInput)
    await expect(new AtomicMemoryDb().get(key, { timeoutMs })).rejects.toThrow(InvalidInput)
  })

  test('the remaining time of a Lambda invocation, less a reserve', () => {
    const context = { getRemainingTimeInMillis: () => 3000 }
    expect(remainingTime(context)).toBe(2500)
    expect(remainingTime(context, { reserveMs: 1000 })).toBe(2000)
    expect(remainingTime(context, { reserveMs: 9000 })).toBe(1)
    expect(() => remainingTime({} as never)).toThrow(InvalidInput)
    expect(() => remainingTime(context, { reserveMs: -1 })).toThrow(InvalidInput)
    expect(() => remainingTime(context, { reserve: 1000 } as never)).toThrow(
      /reserve: is not known.*'reserveMs'/,
    )
  })
})

describe('a fault of another copy of the package', () => {
  test('is known by its brand', async () => {
    class Foreign extends Error {
      readonly kind = 'throttled'
      constructor() {
        super('slow down')
        Object.defineProperty(this, Symbol.for('lockrow.storageFault'), { value: true })
      }
    }
    expect(new Foreign()).toBeInstanceOf(StorageFault)
    expect(new Copy('unknown', 'x')).toBeInstanceOf(StorageFault)
    expect(new Error('x')).not.toBeInstanceOf(StorageFault)
    const storage = new MemoryStorage(systemRuntime)
    let calls = 0
    storage.read = async () => {
      calls++
      throw new Foreign()
    }
    await expect(new AtomicEngine(storage, { retry: { baseMs: 0 } }).get(key)).rejects.toThrow(Throttled)
    expect(calls).toBe(10)
  })

  test('no fault reaches the caller as it is', async () => {
    const storage = new MemoryStorage(systemRuntime)
    storage.read = async () => {
      throw new StorageFault('invalid', 'no such thing')
    }
    await expect(new AtomicEngine(storage).get(key)).rejects.toThrow(BackendError)
  })
})

test('a builder whose commit has an unknown end does not commit a second time', async () => {
  const storage = new MemoryStorage(systemRuntime)
  const transact = storage.transact.bind(storage)
  let lost = 9
  storage.transact = async (operations, token) => {
    const result = await transact(operations, token).catch(() => [])
    if (lost-- > 0) throw new StorageFault('unknown', 'lost')
    return result
  }
  const db = new AtomicEngine(storage, { retry: { attempts: 2, baseMs: 0 } })
  await db.set({ ...key, data: { n: 0 } })
  const order = atomic(db).update(key, { add: { n: 1 } })
  await expect(order.commit()).rejects.toThrow(OutcomeUnknown)
  lost = 0
  await expect(order.commit()).rejects.toThrow(OutcomeUnknown)
  expect(await db.get(key)).toMatchObject({ data: { n: 1 } })
})
