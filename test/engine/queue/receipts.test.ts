import { AtomicEngine } from 'lockrow/backend'
import { describe, expect, test } from 'vitest'
import type { AtomicDbQueueItemKey } from '../../../src/interface.ts'
import { type Storage, StorageFault } from '../../../src/storage.ts'
import { SimulatedServer } from '../../../src/testing/sim/server.ts'
import { Simulation } from '../../../src/testing/sim/simulation.ts'

const pk = 'jobs'

/** One message is pulled; then `act` loses its first two requests, or the replies to them. */
async function acting(
  when: 'request' | 'reply',
  act: (db: AtomicEngine, key: AtomicDbQueueItemKey) => Promise<unknown>,
): Promise<object> {
  const world = new Simulation({ seed: 1 })
  const server = new SimulatedServer(world)
  const process = world.process()
  const storage = server.connect(process)
  let toLose = 0
  const apply: Storage['apply'] = async (operation, options) => {
    if (toLose === 0) return storage.apply(operation, options)
    toLose--
    if (when === 'reply') await storage.apply(operation, options)
    throw new StorageFault('unknown', `the ${when} was lost`)
  }
  return world.run(async () => {
    const db = new AtomicEngine({ ...storage, apply }, { runtime: process })
    await db.queuePush({ pk })
    const { item } = await db.queuePull({ pk })
    toLose = 2
    await act(db, item!)
    return db.queueStats(pk)
  })
}

describe.each(['request', 'reply'] as const)('the %s is lost, twice', (when) => {
  test.each([
    ['with its receipt', (item: AtomicDbQueueItemKey) => item],
    ['by bare key', ({ sk }: AtomicDbQueueItemKey) => ({ pk, sk })],
  ] as const)('acknowledged or given back %s: it is so when it is answered', async (_how, named) => {
    expect(await acting(when, (db, item) => db.queueAcknowledge(named(item)))).toMatchObject({
      ready: 0,
      inFlight: 0,
    })
    expect(await acting(when, (db, item) => db.queueRelease(named(item)))).toMatchObject({
      ready: 1,
      inFlight: 0,
    })
  })
})
