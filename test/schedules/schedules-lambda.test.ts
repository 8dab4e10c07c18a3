import { AtomicMemoryDb } from 'lockrow'
import { getSchedule, schedule, schedulesLambda } from 'lockrow/schedules'
import { expect, it } from 'vitest'
import { simulatedWorld } from '../setup/world.ts'

const context = (ms: number) => ({ getRemainingTimeInMillis: () => ms })

it('once a minute it sends ahead what comes before the next run, which is given out at its tick', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const { db, process } = open()
    const handler = schedulesLambda(db)
    await schedule(db, { name: 'a', everyMs: 10_000 }, { pk: 'jobs', tickField: 'at' })
    const late: number[] = []
    const run = async () => {
      for (let minute = 0; minute < 3; minute++) {
        const { fired, nextAt } = await handler({}, context(10_000))
        expect(fired).toBeGreaterThan(5)
        expect(nextAt).toBeGreaterThan(process.now() + 90_000)
        await process.sleep(60_000)
      }
    }
    const running = run()
    const until = process.now() + 180_000
    while (process.now() < until) {
      const { item } = await db.queuePull<{ at: number }>({ pk: 'jobs' })
      if (item) late.push(process.now() - item.data.at)
      else await process.sleep(400)
    }
    await running
    expect(late).toHaveLength(17)
    expect(Math.min(...late)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...late)).toBeLessThan(1500)
  })
})

it('ends within the time of its invocation, and says so when there is none', async () => {
  const { world, open } = simulatedWorld()
  await world.run(async () => {
    const { db, process, intercept } = open()
    await schedule(db, { name: 'a', everyMs: 10_000 }, { pk: 'jobs' })
    const begun = process.now()
    intercept.now = async (send, signal) => {
      await process.sleep(60_000, { signal })
      return send()
    }
    await schedulesLambda(db)({}, context(4000))
    expect(process.now() - begun).toBeLessThan(4000)
    intercept.now = undefined
    await process.sleep(20_000)
    await schedulesLambda(db)({}, context(4000))
    expect((await getSchedule(db, 'a'))?.fired).toBeGreaterThan(8)
  })
})

it('refuses what it cannot work with', async () => {
  const db = new AtomicMemoryDb()
  await expect(schedulesLambda(db, { reserveMs: 5000 })({}, context(4000))).rejects.toThrow(/reserveMs/)
  await expect(schedulesLambda(db)({}, undefined as never)).rejects.toThrow(/context/)
  expect(() => schedulesLambda(db, { lookMs: 5 } as never)).toThrow(/lookMs/)
  expect(() => schedulesLambda(undefined as never)).toThrow(/database/)
})
