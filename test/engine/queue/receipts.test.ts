import { AtomicMemoryDb } from 'lockrow'
import { expect, test } from 'vitest'
import { AtomicEngine } from '../../../src/engine/engine.ts'
import type { AtomicDbEvent } from '../../../src/engine/retry.ts'
import { MemoryStorage } from '../../../src/memory/storage.ts'
import { systemRuntime } from '../../../src/runtime.ts'
import { StorageFault } from '../../../src/storage.ts'
import { Simulation } from '../../../src/testing/sim/simulation.ts'

/** Loses requests to write, while `lost` says so. */
class Losing extends MemoryStorage {
  lost = 0
  override async apply(...given: Parameters<MemoryStorage['apply']>) {
    if (this.lost-- > 0) throw new StorageFault('unknown', 'no reply')
    return super.apply(...given)
  }
}

async function pulled() {
  const storage = new Losing(systemRuntime)
  const events: AtomicDbEvent[] = []
  const retry = { attempts: 6, baseMs: 0 }
  const db = new AtomicEngine(storage, { retry, onEvent: (event) => events.push(event) })
  await db.queuePush({ pk: 'jobs', data: 1 })
  const { item } = await db.queuePull({ pk: 'jobs', ttlSeconds: 60 })
  return { storage, db, events, item: item! }
}

test('an acknowledgement without a reply is sent again while the row shows our receipt', async () => {
  const { storage, db, events, item } = await pulled()
  storage.lost = 2
  await db.queueAcknowledge(item)
  expect(events.map(({ attempt }) => attempt)).toHaveLength(2)
  expect(await db.queuePeek({ pk: 'jobs' })).toEqual([])
})

test('and not for ever: the outcome is unknown then', async () => {
  const { storage, db, item } = await pulled()
  storage.lost = 1000
  await expect(db.queueAcknowledge(item)).rejects.toMatchObject({ code: 'OutcomeUnknown' })
  expect(storage.lost).toBeGreaterThan(900)
  expect(await db.queuePeek({ pk: 'jobs' })).toHaveLength(1)
})

test('a receipt that somebody else has replaced changes nothing', async () => {
  const { db, item } = await pulled()
  await db.queueRelease(item)
  const { item: next } = await db.queuePull({ pk: 'jobs', ttlSeconds: 60 })
  const stale = { code: 'StaleReceipt', keys: [{ pk: item.pk, sk: item.sk }] }
  await expect(db.queueAcknowledge(item)).rejects.toMatchObject(stale)
  await expect(db.queueRelease(item)).rejects.toMatchObject(stale)
  await expect(db.queueExtend(item, { ttlSeconds: 60 })).rejects.toMatchObject(stale)
  await db.queueAcknowledge(next!)
  await expect(db.queueAcknowledge(next!)).rejects.toMatchObject(stale)
})

test('by bare key it is done whoever holds the message, and also when it is gone', async () => {
  const { db, item } = await pulled()
  const key = { pk: item.pk, sk: item.sk }
  await db.queueAcknowledge(key)
  await db.queueAcknowledge(key)
  await db.queueRelease(key)
  expect(await db.queuePeek({ pk: 'jobs' })).toEqual([])
})

test('who gives a message back is given it again at once, or when its delay has passed', async () => {
  const world = new Simulation({ seed: 1 })
  await world.run(async () => {
    const db = new AtomicMemoryDb({ runtime: world.process() })
    const pk = 'jobs'
    await db.queuePush([1, 2].map((data) => ({ pk, data })))
    const pull = () => db.queuePull<number>({ pk, ttlSeconds: 60 })
    const { item: first } = await pull()
    await db.queueRelease(first!)
    const { item: again } = await pull()
    expect([again!.data, again!.receiveCount, again!.reason]).toEqual([1, 2, undefined])
    const begun = db.runtime.now()
    await db.queueRelease(again!, { delaySeconds: 10, reason: 'x'.repeat(300), uncounted: true })
    const { item: other } = await pull()
    expect(other!.data).toBe(2)
    await db.queueAcknowledge(other!)
    const { item: none, nextDue } = await pull()
    expect([none, nextDue]).toEqual([undefined, begun + 10_000])
    await db.runtime.sleep(9_999)
    expect((await pull()).item).toBeUndefined()
    await db.runtime.sleep(1)
    const { item: back } = await pull()
    expect([back!.data, back!.receiveCount, back!.reason]).toEqual([1, 2, 'x'.repeat(256)])
    expect(back!.processingTimeout).toBe(db.runtime.now() + 60_000)
  })
})

test('a release that cannot be is refused before anything is sent', async () => {
  const { db, item } = await pulled()
  const refused = async (field: string, given: object, of: { pk: string; sk: string } = item) =>
    expect(db.queueRelease(of, given)).rejects.toMatchObject({ code: 'InvalidInput', field })
  await refused('uncounted', { uncounted: true }, { pk: item.pk, sk: item.sk })
  await refused('deadLetter', { deadLetter: 'graves', delaySeconds: 0 })
  await refused('deadLetter', { deadLetter: 'graves', uncounted: true })
  await db.queueRelease(item, { deadLetter: 'graves' })
  const [letter] = await db.queuePeek({ pk: 'graves' })
  expect(letter!.deadLetter).toMatchObject({ from: 'jobs', reason: 'given up', receives: 1 })
  await expect(db.queueRelease(item, { deadLetter: 'graves' })).rejects.toMatchObject({
    code: 'StaleReceipt',
    keys: [{ pk: item.pk, sk: item.sk }],
  })
})
