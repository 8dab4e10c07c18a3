import { Liveness, Mutex } from 'lockrow'
import { expect, it } from 'vitest'
import { simulatedWorld } from '../setup/world.ts'

const key = { pk: 'l', sk: 'm' }

it.each(['tryAcquire', 'timeoutMs: 0'])('%s takes what a dead process held', async (how) => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const [a, b] = [open(), open()]
    const liveness = await new Liveness(a.db).start()
    await new Mutex(a.db, key, { ttlMs: 3_600_000, liveness }).acquire()
    a.process.crash()
    const mutex = new Mutex(b.db, key, { ttlMs: 3_600_000 })
    expect(await mutex.tryAcquire()).toBeUndefined()
    await b.process.sleep(60_000)
    expect(await mutex.isLocked()).toBe(false)
    if (how === 'tryAcquire') expect(await mutex.tryAcquire()).toBeDefined()
    else expect((await mutex.acquire({ timeoutMs: 0 })).fencingToken).toBe(2)
  })
})

it('who stood still before it looked at the reply takes nobody alive for dead', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const [a, b] = [open(), open()]
    const liveness = await new Liveness(a.db).start()
    const mine = new Mutex(a.db, key, { ttlMs: null, liveness })
    await mine.acquire()
    for (let ms = 1; ms <= 20; ms++) {
      const trying = new Mutex(b.db, key, { ttlMs: 60_000 }).tryAcquire()
      await a.process.sleep(ms)
      b.process.freeze(60_000)
      expect(await trying).toBeUndefined()
      expect(mine.isHeld).toBe(true)
    }
  })
})

it('after a freeze the first look says that nothing is held', async () => {
  const { world, open } = simulatedWorld(7)
  await world.run(async () => {
    const [a, b] = [open(), open()]
    const liveness = await new Liveness(a.db).start()
    const mine = new Mutex(a.db, key, { ttlMs: null, liveness })
    await mine.acquire()
    const theirs = new Mutex(b.db, key, { ttlMs: 60_000 })
    let both = 0
    const watching = (async () => {
      for (let i = 0; i < 300; i++) {
        await a.process.sleep(20)
        if (mine.isHeld && theirs.isHeld) both++
      }
    })()
    await b.process.sleep(1000)
    a.process.freeze(30_000)
    await theirs.acquire()
    await watching
    expect([both, mine.isHeld, liveness.isAlive, liveness.leftMs]).toEqual([0, false, false, 0])
  })
})

it('setDraining ends runs and waits of this process', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const [a, b] = [open(), open()]
    const liveness = await new Liveness(a.db).start()
    const mutex = () => new Mutex(a.db, key, { ttlMs: 60_000, liveness })
    let reason: unknown
    const running = mutex().run(async ({ signal }) => {
      while (!signal.aborted) await a.process.sleep(10)
      reason = signal.reason
    })
    await a.process.sleep(100)
    const waiting = expect(mutex().acquire()).rejects.toMatchObject({ code: 'ProcessDraining' })
    await a.process.sleep(100)
    await liveness.setDraining()
    await Promise.all([running, waiting])
    expect(reason).toMatchObject({ code: 'ProcessDraining' })
    await expect(mutex().tryAcquire()).rejects.toMatchObject({ code: 'ProcessDraining' })
    expect(await new Mutex(b.db, key, { ttlMs: 60_000 }).tryAcquire()).toBeDefined()
    await liveness.stop()
  })
})

it('stopped while it starts, it does not beat on; once stopped, it does not start', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const { db, process, intercept } = open()
    intercept.now = (send) => process.sleep(100).then(send)
    const liveness = new Liveness(db)
    const starting = liveness.start().catch((error) => error)
    await process.sleep(50)
    await liveness.stop()
    expect(await starting).toMatchObject({ code: 'LeaseLost' })
    let writes = 0
    intercept.now = (send) => {
      writes++
      return send()
    }
    await process.sleep(60_000)
    expect(await db.get(liveness.key)).toBeUndefined()
    await expect(liveness.start()).rejects.toMatchObject({ code: 'LeaseLost' })
    expect(writes).toBe(0)
  })
})
