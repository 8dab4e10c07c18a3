import { AtomicMemoryDb, Mutex } from 'lockrow'
import { expect, it } from 'vitest'
import { Line } from '../../../src/coordination/mutex/ticket-line.ts'
import { StorageFault } from '../../../src/storage.ts'
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
