import { AtomicEngine } from 'lockrow/backend'
import { expect, test } from 'vitest'
import { type Storage, StorageFault } from '../../../src/storage.ts'
import { SimulatedServer } from '../../../src/testing/sim/server.ts'
import { type SimulatedRuntime, Simulation } from '../../../src/testing/sim/simulation.ts'

const pk = 'jobs'

function open(wrap: (storage: Storage, process: SimulatedRuntime) => Storage) {
  const world = new Simulation({ seed: 1 })
  const process = world.process()
  const storage = wrap(new SimulatedServer(world).connect(process), process)
  return { world, db: new AtomicEngine(storage, { runtime: process, retry: { attempts: 3 } }) }
}

test.each([1, 3])(
  'written in part, then refused (%i left): the error says so, and of what',
  async (count) => {
    const refuse = async () => {
      throw new StorageFault('throttled', 'too much')
    }
    const { world, db } = open((storage) => ({ ...storage, apply: refuse, write: refuse }))
    await world.run(async () => {
      const fresh = Array.from({ length: count }, () => ({ pk, data: 'fresh' }))
      const error = await db.queuePush([{ pk, sk: 'own' }, ...fresh]).catch((reason) => reason)
      expect(error).toMatchObject({ code: 'PartialWrite', cause: { code: 'Throttled' } })
      expect(error.keys).toHaveLength(count)
      expect((await db.queuePeek({ pk })).map(({ sk }) => sk)).toEqual(['own'])
      await expect(db.queuePush(fresh)).rejects.toMatchObject({ code: 'Throttled' })
    })
  },
)

test('beyond one transaction, a later one that is refused does not hide those before it', async () => {
  let transactions = 0
  const { world, db } = open((storage) => ({
    ...storage,
    transact(...args) {
      if (++transactions > 1) throw new StorageFault('throttled', 'too much')
      return storage.transact(...args)
    },
  }))
  await world.run(async () => {
    const items = Array.from({ length: 150 }, () => ({ pk }))
    const error = await db.queuePush(items, { exactlyOnce: true }).catch((reason) => reason)
    expect(error).toMatchObject({ code: 'PartialWrite', cause: { code: 'Throttled' } })
    expect(error.keys).toHaveLength(50)
    expect(await db.queueStats(pk)).toMatchObject({ ready: 100 })
  })
})

test('the window of a deduplicationId begins when it is written, also after a long pause', async () => {
  let pauses = 1
  const { world, db } = open((storage, process) => ({
    ...storage,
    async transact(...args) {
      if (pauses-- <= 0) return storage.transact(...args)
      await process.sleep(360_000)
      throw new StorageFault('unknown', 'no reply')
    },
  }))
  await world.run(async () => {
    const item = { pk, deduplicationId: 'order-1' }
    const [first] = await db.queuePush(item)
    await db.runtime.sleep(200_000)
    const [second] = await db.queuePush(item)
    expect(second!.sk).toBe(first!.sk)
    await db.runtime.sleep(200_000)
    const [third] = await db.queuePush(item)
    expect(third!.sk).not.toBe(first!.sk)
  })
})
