import { LeaseLost, NotAcquired, type Semaphore } from 'lockrow'
import { expect, test } from 'vitest'
import { NotNow, Permits } from '../../src/worker/permits.ts'
import { Machine } from '../setup/machine.ts'

/** Permits of a semaphore that has `free` ones, and tells what it was asked. */
function setUp(free: number) {
  const machine = new Machine(1e12)
  const state = { free, asked: 0, runs: 0, timeouts: [] as unknown[], fails: undefined as Error | undefined }
  const leases: AbortController[] = []
  const semaphore = {
    async available() {
      state.asked++
      if (state.fails) throw state.fails
      return state.free
    },
    async run(work: (lease: { signal: AbortSignal }) => Promise<void>, { timeoutMs }: { timeoutMs: number }) {
      state.runs++
      state.timeouts.push(timeoutMs)
      if (state.fails) throw state.fails
      if (state.free === 0) throw new NotAcquired('taken', { pk: 'p', sk: 's' })
      state.free--
      const lease = new AbortController()
      leases.push(lease)
      try {
        const lost = new Promise<void>((_, reject) =>
          lease.signal.addEventListener('abort', () => reject(lease.signal.reason)),
        )
        await Promise.race([work(lease), lost])
      } finally {
        state.free++
      }
    },
  } as unknown as Semaphore
  const errors: unknown[] = []
  const runs = new Set<Promise<unknown>>()
  const permits = new Permits(machine, semaphore, (error) => errors.push(error), runs)
  const settled = () => new Promise(setImmediate)
  return { machine, state, leases, errors, runs, permits, settled }
}

test('a permit is taken without waiting, kept for the next message, and given back when it is not needed', async () => {
  const { state, runs, permits, settled } = setUp(2)
  const permit = await permits.take()
  expect([state.free, state.timeouts, runs.size, permit.isLost]).toEqual([1, [0], 1, false])
  permits.put(permit)
  expect(await permits.take()).toBe(permit)
  expect(state.runs).toBe(1)
  permits.put(permit)
  permits.giveBackFree()
  await settled()
  expect([state.free, runs.size]).toEqual([2, 0])
})

test('room doubles with what is at work, until a permit is refused', async () => {
  const { permits } = setUp(100)
  expect(await permits.room(10)).toBe(1)
  const first = await permits.take()
  expect(await permits.room(10)).toBe(1)
  const second = await permits.take()
  expect(await permits.room(10)).toBe(2)
  permits.put(first)
  // One is free; as many as there are, free and in use, may be had beside it.
  expect(await permits.room(10)).toBe(3)
  expect(await permits.room(2)).toBe(2)
  expect(await permits.room(1)).toBe(1)
  permits.put(second)
  expect(await permits.room(10)).toBe(4)
})

test('a limit that is reached is looked at by one read a second, and is room again when one is free', async () => {
  const { machine, state, permits } = setUp(1)
  const permit = await permits.take()
  expect(permits.isFull).toBe(false)
  await expect(permits.take()).rejects.toThrow(NotNow)
  expect(permits.isFull).toBe(true)
  expect([await permits.room(5), state.asked]).toEqual([0, 0])
  machine.pass(999)
  expect([await permits.room(5), state.asked]).toEqual([0, 0])
  machine.pass(1)
  expect([await permits.room(5), state.asked]).toEqual([0, 1])
  machine.pass(999)
  expect([await permits.room(5), state.asked]).toEqual([0, 1])
  state.free = 3
  machine.pass(1)
  expect([await permits.room(5), state.asked]).toEqual([1, 2])
  expect(permits.isFull).toBe(false)
  // What is free here is room also where no more are to be had.
  state.free = 0
  await expect(permits.take()).rejects.toThrow(NotNow)
  permits.put(permit)
  expect(await permits.room(5)).toBe(1)
})

test('a look that fails is told, and finds no room', async () => {
  const { machine, state, errors, permits } = setUp(0)
  await expect(permits.take()).rejects.toMatchObject({
    message: expect.stringContaining('limit'),
    cause: expect.any(NotAcquired),
  })
  expect(errors).toEqual([])
  state.fails = new Error('no answer')
  machine.pass(1000)
  expect(await permits.room(5)).toBe(0)
  expect(errors).toEqual([state.fails])
})

test('a request that fails is told, and is no sign that the limit is reached', async () => {
  const { state, errors, runs, permits } = setUp(1)
  state.fails = new Error('no answer')
  await expect(permits.take()).rejects.toThrow(NotNow)
  expect([errors, permits.isFull, runs.size]).toEqual([[state.fails], false, 0])
})

test('a permit that is lost while it is free is not handed out; one in use tells whoever has it', async () => {
  const { leases, errors, permits, settled } = setUp(3)
  const [first, second] = [await permits.take(), await permits.take()]
  const told: unknown[] = []
  first.onLost((reason) => told.push(reason))
  const unfollow = second.onLost((reason) => told.push(reason))
  const reason = new LeaseLost('gone')
  leases[0]!.abort(reason)
  await settled()
  expect([first.isLost, told, errors]).toEqual([true, [reason], []])
  first.onLost((again) => told.push(again))
  expect(told).toEqual([reason, reason])
  unfollow()
  permits.put(second)
  leases[1]!.abort(reason)
  expect(await permits.room(1)).toBe(1)
  const third = await permits.take()
  expect(third).not.toBe(second)
  expect(told).toHaveLength(2)
})

test('a lost permit that is put back is not kept', async () => {
  const { leases, permits, settled } = setUp(2)
  const permit = await permits.take()
  leases[0]!.abort(new LeaseLost('gone'))
  permits.put(permit)
  await settled()
  expect(await permits.take()).not.toBe(permit)
})

test('after the end nothing is kept', async () => {
  const { state, permits, runs, settled } = setUp(2)
  const [first, second] = [await permits.take(), await permits.take()]
  permits.put(first)
  permits.close()
  await settled()
  expect([state.free, runs.size]).toEqual([1, 1])
  permits.put(second)
  await settled()
  expect([state.free, runs.size]).toEqual([2, 0])
})
