import { AtomicMemoryDb, Mutex } from 'lockrow'
import { expect, it } from 'vitest'
import { Line } from '../../../src/coordination/mutex/ticket-line.ts'
import { StorageFault } from '../../../src/storage.ts'
import { Machine } from '../../setup/machine.ts'
import { simulatedWorld } from '../../setup/world.ts'

it.each(['lost', 'late'])('a fair mutex on a new key works after its first request was %s', async (how) => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const [a, b] = [open(), open()]
    const key = { pk: 'l', sk: 'm' }
    let writes = 0
    a.intercept.now = async (send, _signal, process) => {
      if (++writes !== 2) return send()
      if (how === 'late') void process.sleep(5000).then(send)
      await process.sleep(3000)
      throw new StorageFault('unknown', 'no reply')
    }
    const make = ({ db }: typeof a) => new Mutex(db, key, { ttlMs: 3000, fair: true })
    const first = await make(a).acquire({ timeoutMs: 20_000 })
    expect(writes).toBeGreaterThan(2)
    await first.release()
    await b.process.sleep(60_000)
    expect((await make(b).acquire({ timeoutMs: 20_000 })).fencingToken).toBeGreaterThan(first.fencingToken)
  })
})

it('no ticket is drawn on an item that is no mutex', async () => {
  const db = new AtomicMemoryDb()
  const key = { pk: 'p', sk: 'item' }
  await db.set({ ...key, data: { n: 1 } })
  await expect(new Line(db, key, 1000, 0).enter({})).rejects.toMatchObject({
    code: 'InvalidInput',
    field: 'key',
  })
  expect((await db.get(key))!.data).toEqual({ n: 1 })
  const line = new Line(db, { pk: 'p', sk: 'new' }, 1000, 0)
  await line.enter({})
  expect(line.waits).toBe(true)
})

it('the further back in the line, the less often it looks, and the longer a ticket lasts', async () => {
  const db = new AtomicMemoryDb()
  const key = { pk: 'p', sk: 'line' }
  const line = new Line(db, key, 8000, 0)
  await line.enter({})
  const { id, until } = (await db.get<{ line: { id: string; until: number }[] }>(key))!.data.line[0]!
  expect(until - Date.now()).toBeLessThanOrEqual(8000)
  const others = Array.from({ length: 100 }, (_, i) => ({ id: `other${i}`, until: until + 60_000 }))
  const slowest = async (place: number) => {
    await line.keep({ line: [...others.slice(0, place), { id, until: until + 60_000 }] }, {})
    return line.slowestMs
  }
  expect(await Promise.all([0, 3].map(slowest))).toEqual([250, 250])
  expect([await slowest(4), await slowest(32), await slowest(33)]).toEqual([500, 500, 1000])
  expect(line.isOurTurn({ line: [{ id, until }] })).toBe(true)
  line.done()
  expect([line.slowestMs, line.waits]).toEqual([250, false])
})

/** A line on a clock that stands still, and the row as it is. */
function setUp(ticketMs = 8000, toleranceMs = 500) {
  const machine = new Machine(1e12)
  const db = new AtomicMemoryDb({ runtime: machine })
  const key = { pk: 'p', sk: 'line' }
  const open = () => new Line(db, key, ticketMs, toleranceMs)
  type Tickets = { id: string; until: number }[]
  const tickets = async () => (await db.get<{ line?: Tickets }>(key))?.data.line ?? []
  const row = async () => (await db.get<{ line?: Tickets }>(key))?.data
  return { machine, db, key, open, tickets, row }
}

it('a ticket lasts for its time, longer behind the third place, three times as long from the 35th on', async () => {
  const lifetimes: number[] = []
  for (const length of [0, 3, 4, 19, 35, 60]) {
    const { machine, open, tickets } = setUp()
    await open().enter({}, length)
    lifetimes.push((await tickets())[0]!.until - machine.wall)
  }
  expect(lifetimes).toEqual([8000, 8000, 8500, 16_000, 24_000, 24_000])
})

it('a ticket is refreshed when half of its time is over, and drawn again when it was taken out', async () => {
  const { machine, db, key, open, tickets, row } = setUp()
  const line = open()
  await line.enter({})
  const [first] = await tickets()
  machine.pass(3999)
  await line.keep(await row(), {})
  expect(await tickets()).toEqual([first])
  machine.pass(1)
  await line.keep(await row(), {})
  expect(await tickets()).toEqual([{ id: first!.id, until: machine.wall + 8000 }])
  await db.update(key, { remove: [['line', 0]] })
  await line.keep(await row(), {})
  const [second] = await tickets()
  expect(second!.id).not.toBe(first!.id)
  expect(line.isOurTurn(await row())).toBe(true)
})

it('says once that it has moved up, and only near the front', async () => {
  const { open, tickets } = setUp()
  const line = open()
  await line.enter({})
  const [own] = await tickets()
  const at = async (place: number) => {
    const others = Array.from({ length: place }, (_, i) => ({ id: `o${i}`, until: 9e12 }))
    await line.keep({ line: [...others, { ...own!, until: 9e12 }] }, {})
    return [line.movedUp(), line.movedUp()]
  }
  expect(await at(5)).toEqual([false, false])
  expect(await at(4)).toEqual([false, false])
  expect(await at(3)).toEqual([true, false])
  expect(await at(0)).toEqual([true, false])
  line.done()
  expect(line.movedUp()).toBe(false)
})

it('those before us are taken out when all of them have lapsed, twenty at a time, and no one behind us', async () => {
  const { machine, db, key, open, tickets, row } = setUp()
  const line = open()
  const lapsed = (id: string) => ({ id, until: machine.wall - 501 })
  const before = Array.from({ length: 25 }, (_, i) => lapsed(`o${i}`))
  await db.set({ ...key, data: { token: 0, owner: null, until: null, line: before } })
  await line.enter({})
  await db.update(key, { append: { line: [lapsed('behind')] } })
  expect(await line.sweep(await row(), {})).toBe(true)
  expect((await tickets()).map(({ id }) => id).slice(0, 5)).toEqual(['o20', 'o21', 'o22', 'o23', 'o24'])
  expect(await line.sweep(await row(), {})).toBe(true)
  expect((await tickets()).map(({ id }) => id).slice(1)).toEqual(['behind'])
  expect(await line.sweep(await row(), {})).toBe(false)
  // Whoever has no ticket takes out all that have lapsed.
  await db.update(key, { remove: [['line', 0]] })
  expect(await open().sweep(await row(), {})).toBe(true)
  expect(await tickets()).toEqual([])
  expect(await line.sweep(undefined, {})).toBe(false)
})

it('one that is alive before us keeps all others, up to the tolerance of the clocks', async () => {
  const { machine, db, key, open, row } = setUp()
  const ticket = (id: string, until: number) => ({ id, until })
  await db.set({
    ...key,
    data: { token: 0, owner: null, until: null, line: [ticket('a', 0), ticket('b', machine.wall - 500)] },
  })
  const line = open()
  await line.enter({})
  expect(await line.sweep(await row(), {})).toBe(false)
  machine.pass(1)
  expect(await line.sweep(await row(), {})).toBe(true)
})

it('who leaves takes the ticket out, whoever stands before, and has none then', async () => {
  const db = new AtomicMemoryDb()
  const key = { pk: 'p', sk: 'line' }
  const [first, second] = [new Line(db, key, 8000, 0), new Line(db, key, 8000, 0)]
  const tickets = async () => (await db.get<{ line?: unknown[] }>(key))?.data.line ?? []
  await first.enter({})
  await second.enter({})
  await second.leave()
  expect([(await tickets()).length, first.waits, second.waits]).toEqual([1, true, false])
  await second.leave()
  await first.leave()
  expect([await tickets(), first.leaving]).toEqual([[], {}])
})

it('what takes the turn takes the first ticket with it', async () => {
  const { open } = setUp()
  const line = open()
  expect(line.leaving).toEqual({})
  await line.enter({})
  expect(line.leaving).toEqual({ remove: [['line', 0]] })
  expect([line.isOurTurn(undefined), line.isOurTurn({}), line.isOurTurn({ line: [] })]).toEqual([
    true,
    true,
    true,
  ])
  expect(line.isOurTurn({ line: [{ id: 'another', until: 9e12 }] })).toBe(false)
})
