import {
  type AtomicDbInterface,
  AtomicMemoryDb,
  BackendError,
  InvalidInput,
  Mutex,
  ReadWriteLock,
  Throttled,
} from 'lockrow'
import { expect, it } from 'vitest'
import { checkWait, type WaitOptions, waitFor } from '../../src/coordination/wait-for.ts'
import { StorageFault } from '../../src/storage.ts'
import { Machine } from '../setup/machine.ts'
import { simulatedWorld } from '../setup/world.ts'

const key = { pk: 'l', sk: 'm' }

it('a waiter survives throttling of ten seconds', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const { db, process, intercept } = open()
    intercept.now = () => Promise.reject(new StorageFault('throttled', 'too much'))
    void process.sleep(10_000).then(() => (intercept.now = undefined))
    const lease = await new Mutex(db, key, { ttlMs: 60_000 }).acquire()
    expect(lease.isHeld).toBe(true)
    expect(world.time).toBeGreaterThan(10_000)
  })
})

it('a waiter survives rows that other transactions keep writing', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const { db, process, intercept } = open()
    intercept.now = () => Promise.reject(new StorageFault('conflict', 'a transaction is in progress'))
    void process.sleep(10_000).then(() => (intercept.now = undefined))
    const lease = await new Mutex(db, key, { ttlMs: 60_000 }).acquire()
    expect(lease.isHeld).toBe(true)
  })
})

it('a waiter does not hide trouble that lasts, nor after its time', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const { db, intercept } = open()
    intercept.now = () => Promise.reject(new StorageFault('throttled', 'too much'))
    const mutex = new Mutex(db, key, { ttlMs: 3000 })
    await expect(mutex.acquire({ timeoutMs: 5000 })).rejects.toMatchObject({ code: 'Throttled' })
    const began = world.time
    await expect(mutex.acquire()).rejects.toMatchObject({ code: 'Throttled' })
    expect(world.time - began).toBeGreaterThan(60_000)
  })
})

it.each([
  ['a fair mutex', (db: AtomicDbInterface) => new Mutex(db, key, { ttlMs: 3_600_000, fair: true })],
  [
    'a writer',
    (db: AtomicDbInterface) => {
      const lock = new ReadWriteLock(db, key, { ttlMs: 3_600_000 })
      return { acquire: (options?: WaitOptions) => lock.acquireWrite(options) }
    },
  ],
])('who gives up waiting for %s is not held up by a backend that hangs', async (_, open_) => {
  for (const how of ['abort', 'time'] as const) {
    const { world, open } = simulatedWorld()
    await world.run(async () => {
      const [a, b] = [open(), open()]
      await open_(b.db).acquire()
      const abort = new AbortController()
      const waiting = open_(a.db)
        .acquire(how === 'abort' ? { signal: abort.signal } : { timeoutMs: 5000 })
        .catch((error) => error)
      await a.process.sleep(4000)
      a.intercept.now = (send) => a.process.sleep(600_000).then(send)
      await a.process.sleep(1000)
      abort.abort(new Error('enough'))
      const began = world.time
      const error = await waiting
      expect(how === 'abort' ? error.message : error.code).toBe(how === 'abort' ? 'enough' : 'NotAcquired')
      expect(world.time - began).toBeLessThan(1100)
    })
  }
})

it('looks begin close together and come to lie a quarter of a second apart', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const { db } = open()
    const looks: number[] = []
    await waitFor(
      db,
      { timeoutMs: 10_000 },
      {
        attempt: async () => false,
        succeeded: (answer) => answer,
        probe: async () => {
          looks.push(world.time)
          return false
        },
      },
    )
    expect(looks[1]! - looks[0]!).toBeLessThanOrEqual(75)
    // 250 ms with jitter of a half either way: 40 looks, and a few more at the beginning.
    expect(looks.length).toBeGreaterThan(30)
    expect(looks.length).toBeLessThan(65)
  })
})

/** Waits on a clock that jumps; an attempt succeeds with a number that is positive. */
function waiting(
  answers: (number | Error)[],
  options: WaitOptions & { random?: number } = {},
  probes: boolean[] = [],
) {
  const machine = new Machine(1e12)
  const { random = 0.5, ...wait } = options
  machine.random = () => random
  const sleeps: number[] = []
  machine.sleep = async (ms) => {
    sleeps.push(ms)
    machine.pass(ms)
  }
  const seen = { attempts: 0, probes: 0, timeouts: [] as unknown[], sleeps, near: [] as boolean[] }
  const db = new AtomicMemoryDb({ runtime: machine })
  const result = waitFor<number>(db, wait, {
    async attempt(call) {
      seen.attempts++
      seen.timeouts.push(call.timeoutMs)
      const answer = answers.shift() ?? 0
      if (answer instanceof Error) throw answer
      return answer
    },
    succeeded: (answer) => answer > 0,
    async probe() {
      seen.probes++
      return probes.shift() ?? true
    },
    isNear: () => seen.near.shift() ?? false,
  })
  return { result, seen, machine }
}

it('looks begin 25 ms apart, and double up to a quarter of a second, with jitter around it', async () => {
  const { result, seen } = waiting([0, 0, 0, 0, 0, 0, 7])
  expect(await result).toBe(7)
  expect(seen.sleeps).toEqual([25, 50, 100, 200, 250, 250])
  const least = waiting([0, 0, 7], { random: 0 })
  await least.result
  expect(least.seen.sleeps).toEqual([12.5, 25])
  const slow = waiting(
    Array.from({ length: 13 }, (_, i) => (i === 12 ? 7 : 0)),
    { pollMs: 50_000 },
  )
  await slow.result
  expect(slow.seen.sleeps.slice(-3)).toEqual([25 * 512, 25 * 1024, 25 * 1024])
})

it('only a look that is promising is followed by an attempt', async () => {
  const { result, seen } = waiting([0, 7], {}, [false, false, true])
  expect(await result).toBe(7)
  expect([seen.attempts, seen.probes]).toEqual([2, 3])
})

it('what has moved up looks often again', async () => {
  const { result, seen } = waiting([0, 0, 0, 0, 7])
  seen.near = [false, true, false]
  await result
  expect(seen.sleeps).toEqual([25, 50, 25, 50])
})

it('ends with the last answer when the time is up, and never sleeps beyond it', async () => {
  const { result, seen } = waiting([0, -1, -2, -3], { timeoutMs: 100 })
  expect(await result).toBe(-3)
  expect(seen.sleeps).toEqual([25, 50, 25])
  // What is left, at least a millisecond: an attempt is never without any time.
  expect(seen.timeouts).toEqual([100, 75, 25, 1])
  const one = waiting([0], { timeoutMs: 0 })
  expect(await one.result).toBe(0)
  expect([one.seen.attempts, one.seen.sleeps, one.seen.timeouts]).toEqual([1, [], [undefined]])
})

it('trouble at first is followed by another attempt without a look, and is told when the time is up', async () => {
  const trouble = new Throttled('too much')
  const { result, seen } = waiting([trouble, 7])
  expect(await result).toBe(7)
  expect(seen.probes).toBe(0)
  const refused = waiting([trouble, trouble, trouble, trouble], { timeoutMs: 100 })
  await expect(refused.result).rejects.toBe(trouble)
})

it('an error that may last is survived only after something has worked, or when the time is up', async () => {
  const broken = new BackendError('no permission')
  await expect(waiting([broken, 7]).result).rejects.toBe(broken)
  expect(await waiting([0, broken, 7]).result).toBe(7)
  // An error of the program is none of the backend, and is never survived.
  const bug = new TypeError('bug')
  await expect(waiting([0, bug, 7]).result).rejects.toBe(bug)
})

it('trouble of a minute is survived, and counts anew after each good answer', async () => {
  const trouble = new Throttled('too much')
  const most = Array.from({ length: 61 }, () => trouble)
  const enough = waiting([0, ...most.slice(0, 60), 7], { pollMs: 1 })
  for (const look of [enough]) expect(await look.result).toBe(7)
  const slow = { pollMs: 30_000, random: 0.5 }
  await expect(
    waiting(
      Array.from({ length: 40 }, () => trouble),
      slow,
    ).result,
  ).rejects.toBe(trouble)
})

it.each([{ pollMs: 0 }, { pollMs: -1 }, { timeoutMs: -1 }, { signal: 5 }, { timeout: 5 }])(
  '%j is refused',
  (options) => expect(() => checkWait(options as never)).toThrow(InvalidInput),
)

it('names that a caller adds are known', () => {
  expect(() => checkWait({ ttlMs: 5 } as never, ['ttlMs'])).not.toThrow()
  expect(() => checkWait({ timeoutMs: 0, pollMs: 1 })).not.toThrow()
})
