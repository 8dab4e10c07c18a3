import { Mutex } from 'lockrow'
import { expect, it } from 'vitest'
import { simulatedWorld } from '../setup/world.ts'

const key = { pk: 'l', sk: 'm' }

it("observed: waits for the holder's lease, not its own", async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const [a, b] = [open(), open()]
    const long = new Mutex(a.db, key, { ttlMs: 30_000, lease: 'observed' })
    const running = long.run(({ signal }) => a.process.sleep(40_000, { signal }))
    await b.process.sleep(500)
    const short = new Mutex(b.db, key, { ttlMs: 5000, lease: 'observed' })
    await expect(short.acquire({ timeoutMs: 20_000 })).rejects.toMatchObject({ code: 'NotAcquired' })
    await running
  })
})

it('observed: short tries with an object each take over what crashed', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const [a, b] = [open(), open()]
    await new Mutex(a.db, key, { ttlMs: 30_000, lease: 'observed' }).acquire()
    a.process.crash()
    const once = () => new Mutex(b.db, key, { ttlMs: 30_000, lease: 'observed' }).tryAcquire()
    expect(await once()).toBeUndefined()
    await b.process.sleep(31_000)
    expect(await once()).toBeDefined()
  })
})
