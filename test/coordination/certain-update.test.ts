import { AtomicMemoryDb, Mutex } from 'lockrow'
import { expect, it, vi } from 'vitest'
import { withdraw } from '../../src/coordination/certain-update.ts'
import { StorageFault } from '../../src/storage.ts'
import { Machine } from '../setup/machine.ts'
import { simulatedWorld } from '../setup/world.ts'

const key = { pk: 'l', sk: 'm' }

/** An acquisition that is aborted after 10 ms, whose request arrives after 100 ms all the same. */
async function abandoned(ttlMs: number | null) {
  const { world, open } = simulatedWorld()
  const [a, b] = [open(), open()]
  const mine = new Mutex(a.db, key, { ttlMs })
  const theirs = new Mutex(b.db, key, { ttlMs: 30_000 })
  const start = async () => {
    await theirs.run(() => {})
    a.intercept.now = async (send, signal, process) => {
      a.intercept.now = undefined
      void process.sleep(100).then(send)
      await process.sleep(60_000, { signal })
      return send()
    }
    const abort = new AbortController()
    const acquiring = mine.acquire({ signal: abort.signal })
    const refused = expect(acquiring).rejects.toThrow('gave up')
    await a.process.sleep(10)
    abort.abort(new Error('gave up'))
    await refused
    await a.process.sleep(190)
  }
  return { world, a, mine, theirs, start }
}

it.each([30_000, null])(
  'what an aborted acquisition gets after all is given back, ttlMs %s',
  async (ttlMs) => {
    const { world, a, theirs, start } = await abandoned(ttlMs)
    await world.run(async () => {
      await start()
      expect(await theirs.isLocked()).toBe(true)
      await a.process.sleep(2000)
      expect(await theirs.isLocked()).toBe(false)
    })
  },
)

it('what cannot be given back for minutes is given back after that', async () => {
  const { world, a, theirs, start } = await abandoned(null)
  await world.run(async () => {
    await start()
    a.intercept.now = () => Promise.reject(new StorageFault('throttled', 'too much'))
    await a.process.sleep(180_000)
    a.intercept.now = undefined
    await a.process.sleep(60_000)
    expect(await theirs.isLocked()).toBe(false)
  })
})

it('who gave up an acquisition is not kept out by it', async () => {
  const { world, mine, start } = await abandoned(null)
  await world.run(async () => {
    await start()
    expect(await mine.tryAcquire()).toMatchObject({ fencingToken: 3 })
  })
})

it('who looks for a request that was given up reads strongly, and takes away what it finds', async () => {
  const machine = new Machine(1e12)
  const db = new AtomicMemoryDb({ runtime: machine })
  const key = { pk: 'p', sk: 'late' }
  await db.set({ ...key, data: { mine: true } })
  const read = vi.spyOn(db, 'get')
  let taken = 0
  await withdraw<{ mine: boolean }>(
    db,
    key,
    60_000,
    (item) => item?.data.mine === true,
    async () => {
      taken++
    },
  )
  expect([taken, read.mock.calls.length]).toEqual([1, 1])
  expect(read.mock.calls[0]![1]).toMatchObject({ consistent: true })
})
