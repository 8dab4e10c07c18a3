import { AtomicMemoryDb, BackendError, Mutex, OutcomeUnknown } from 'lockrow'
import { expect, it, vi } from 'vitest'
import { certainRemoval, uniqueId, withdraw } from '../../src/coordination/certain-update.ts'
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

it('ids of one process differ, and go on from one another', () => {
  const machine = new Machine(1e12)
  const ids = [uniqueId(machine), uniqueId(machine), uniqueId(machine)]
  expect(new Set(ids).size).toBe(3)
  // One source: what is drawn at random is drawn once a second.
  expect(new Set(ids.map((id) => id.slice(0, 10))).size).toBe(1)
  expect(uniqueId(new Machine(1e12)).slice(0, 10)).not.toBe(ids[0]!.slice(0, 10))
})

it('what was given up is looked for at once, and after 1, 5, 20 and 60 seconds more', async () => {
  const machine = new Machine(1e12)
  const db = new AtomicMemoryDb({ runtime: machine })
  const looks: number[] = []
  const get = db.get.bind(db)
  db.get = ((...args: Parameters<typeof get>) => {
    looks.push(machine.mono)
    return get(...args)
  }) as typeof get
  const never = () => expect.unreachable()
  await withdraw(db, key, Number.POSITIVE_INFINITY, () => false, never)
  expect(looks).toEqual([0, 1000, 6000, 26_000, 86_000])
  looks.length = 0
  const begun = machine.mono
  await withdraw(db, key, 26_000, () => false, never)
  expect(looks.map((at) => at - begun)).toEqual([0, 1000, 6000, 26_000])
  looks.length = 0
  await withdraw(db, key, 25_999, () => false, never)
  expect(looks).toHaveLength(3)
})

it('a look that failed has seen nothing: it goes on every 20 seconds, for an hour', async () => {
  const machine = new Machine(1e12)
  const db = new AtomicMemoryDb({ runtime: machine })
  const looks: number[] = []
  let fails = 7
  db.get = (async () => {
    looks.push(machine.mono)
    if (fails-- > 0) throw new Error('no answer')
    return undefined
  }) as never
  await withdraw(
    db,
    key,
    Number.POSITIVE_INFINITY,
    () => true,
    async () => {},
  )
  expect(looks.slice(4)).toEqual([86_000, 106_000, 126_000, 146_000])
  looks.length = 0
  fails = Number.POSITIVE_INFINITY
  const begun = machine.mono
  await withdraw(
    db,
    key,
    Number.POSITIVE_INFINITY,
    () => true,
    async () => {},
  )
  expect(looks.at(-1)! - begun).toBeLessThanOrEqual(3_600_000)
  expect(looks.at(-1)! - begun).toBeGreaterThan(3_580_000 - 20_000)
})

it('what could not be taken away is looked for again, and taken away once', async () => {
  const machine = new Machine(1e12)
  const db = new AtomicMemoryDb({ runtime: machine })
  let tries = 0
  await withdraw(
    db,
    key,
    Number.POSITIVE_INFINITY,
    () => true,
    async () => {
      if (++tries < 8) throw new Error('no answer')
    },
  )
  expect(tries).toBe(8)
})

it('a removal that is lost is sent again while the row shows what it removes, ten times at most', async () => {
  const db = new AtomicMemoryDb()
  await db.set({ ...key, data: { mine: 1 } })
  let sent = 0
  const update = db.update.bind(db)
  let lost = 9
  db.update = (async (...args: Parameters<typeof update>) => {
    sent++
    if (lost-- > 0) throw new OutcomeUnknown('lost')
    return (update as (...all: unknown[]) => unknown)(...args)
  }) as never
  const isThere = (item: { data: { mine?: number } } | undefined) => item?.data.mine === 1
  const take = () => certainRemoval<{ mine?: number }>(db, key, { remove: ['mine'] }, {}, isThere)
  expect([await take(), sent]).toEqual([true, 10])
  await db.set({ ...key, data: { mine: 1 } })
  lost = 10
  await expect(take()).rejects.toThrow(BackendError)
  // Somebody else has taken it: it is not ours any more.
  await db.set({ ...key, data: {} })
  lost = 0
  db.update = (async () => ({ applied: false, item: { ...key, data: {} } })) as never
  expect(await take()).toBe(false)
})
