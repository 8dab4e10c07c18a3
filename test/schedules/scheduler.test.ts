import { getSchedule, nextRuns, type ScheduleEvent, Scheduler, schedule } from 'lockrow/schedules'
import { describe, expect, it } from 'vitest'
import { simulatedWorld } from '../setup/world.ts'

interface Tick {
  at: number
}

const message = { pk: 'jobs', data: { kind: 'report' }, tickField: 'at' }

describe('Scheduler', () => {
  it('sends each tick once, whoever drives, and it comes at its time', async () => {
    const { world, open } = simulatedWorld()
    await world.run(async () => {
      const processes = Array.from({ length: 4 }, () => open())
      const { db, process } = processes[0]!
      const made = await schedule(db, { name: 'a', everyMs: 5000 }, message)
      const runs = nextRuns(made, 12)
      const schedulers = processes.map((one) => new Scheduler(one.db))
      const seen: number[] = []
      while (process.now() < runs[11]! + 500) {
        const { item } = await db.queuePull<Tick>({ pk: 'jobs' })
        if (!item) await process.sleep(100)
        else {
          expect(process.now()).toBeGreaterThanOrEqual(item.data.at)
          expect(process.now()).toBeLessThan(item.data.at + 1500)
          expect(item.data).toEqual({ kind: 'report', at: item.data.at })
          seen.push(item.data.at)
        }
      }
      await Promise.all(schedulers.map((one) => one.stop()))
      expect(seen).toEqual(runs)
      expect(await getSchedule(db, 'a')).toMatchObject({ lastAt: seen.at(-1)!, fired: seen.length })
    })
  })

  it('a schedule of this process is seen at once, one of another within lookMs', async () => {
    const { world, open } = simulatedWorld()
    await world.run(async () => {
      const [mine, theirs] = [open(), open()]
      const fired: [string, number][] = []
      const onEvent = (event: ScheduleEvent) => {
        if (event.type === 'fired') fired.push([event.name, mine.process.now()])
      }
      await using _scheduler = new Scheduler(mine.db, { lookMs: 10_000, onEvent })
      await mine.process.sleep(100)
      const begun = mine.process.now()
      await schedule(mine.db, { name: 'mine', everyMs: 3000 }, { pk: 'jobs' })
      await schedule(theirs.db, { name: 'theirs', everyMs: 1000 }, { pk: 'jobs' })
      await mine.process.sleep(2900)
      expect(fired.map(([name]) => name)).toContain('mine')
      await mine.process.sleep(9000)
      expect(fired.map(([name]) => name)).toContain('theirs')
      expect(Math.min(...fired.map(([, at]) => at))).toBeLessThan(begun + 3000)
    })
  })

  it('ends by its signal and by stop, and is driven on by the next one', async () => {
    const { world, open } = simulatedWorld()
    await world.run(async () => {
      const { db, process } = open()
      await schedule(db, { name: 'a', everyMs: 60_000, missed: 'all' }, message)
      const ending = new AbortController()
      const first = new Scheduler(db, { signal: ending.signal })
      await process.sleep(61_000)
      ending.abort()
      await first.stop()
      await process.sleep(10 * 60_000)
      expect(await getSchedule(db, 'a')).toMatchObject({ fired: 1 })
      const events: ScheduleEvent[] = []
      const second = new Scheduler(db, { onEvent: (event) => events.push(event) })
      await process.sleep(1000)
      await second.stop({ graceSeconds: 1 })
      await second.stop()
      expect(await getSchedule(db, 'a')).toMatchObject({ fired: 11 })
      expect(events.map(({ type }) => type)).toEqual(['fired'])
      const aborted = new Scheduler(db, { signal: AbortSignal.abort() })
      await aborted.stop()
    })
  })

  it('what was left out is told', async () => {
    const { world, open } = simulatedWorld()
    await world.run(async () => {
      const { db, process } = open()
      const { nextAt } = await schedule(db, { name: 'a', everyMs: 60_000, missed: 'skip' }, message)
      await process.sleep(3_600_000)
      const events: ScheduleEvent[] = []
      await using _scheduler = new Scheduler(db, { onEvent: (event) => events.push(event) })
      await process.sleep(1000)
      expect(events[0]).toEqual({ type: 'skipped', name: 'a', from: nextAt })
    })
  })

  it('trouble is told and passes; one broken schedule does not stop the others', async () => {
    const { world, open } = simulatedWorld()
    await world.run(async () => {
      const { db, process, intercept } = open()
      for (const name of ['a', 'b', 'c']) await schedule(db, { name, everyMs: 20_000 }, message)
      await db.update({ pk: 'lockrow#schedules', sk: 'b' }, { set: { cron: 'nonsense', timezone: 'UTC' } })
      const events: ScheduleEvent[] = []
      await using _scheduler = new Scheduler(db, { lookMs: 2000, onEvent: (event) => events.push(event) })
      await process.sleep(25_000)
      expect(events).toContainEqual({ type: 'error', name: 'b', error: expect.any(TypeError) })
      const names = () => events.filter(({ type }) => type === 'fired').map(({ name }) => name)
      expect(names().sort()).toEqual(['a', 'c'])
      intercept.now = undefined
    })
  })

  it('a due time that was left behind is taken away, also one whose schedule was deleted by hand', async () => {
    const { world, open } = simulatedWorld()
    await world.run(async () => {
      const { db, process } = open()
      await schedule(db, { name: 'a', everyMs: 20_000 }, message)
      await db.delete({ pk: 'lockrow#schedules', sk: 'a' })
      await using _scheduler = new Scheduler(db)
      await process.sleep(30_000)
      expect(await db.query({ pk: 'lockrow#schedules#due' })).toHaveLength(1)
      await process.sleep(90_000)
      expect(await db.query({ pk: 'lockrow#schedules#due' })).toEqual([])
    })
  })

  it('more than one page of schedules is due at once', async () => {
    const { world, open } = simulatedWorld()
    await world.run(async () => {
      const { db, process } = open()
      for (let n = 0; n < 70; n++) await schedule(db, { name: `s${n}`, everyMs: 60_000, startAt: 0 }, message)
      await using _scheduler = new Scheduler(db)
      await process.sleep(62_000)
      expect((await db.queueStats('jobs')).ready).toBe(70)
    })
  })

  it.each([
    ['pk', { pk: '' }],
    ['leadMs', { leadMs: -1 }],
    ['leadMs', { leadMs: 86_400_001 }],
    ['lookMs', { lookMs: 0 }],
    ['options.signal', { signal: 'x' }],
    ['onEvent', { onEvent: 5 }],
    ['options.idleMs', { idleMs: 5 }],
  ])('refuses %s in %j', (field, options) => {
    const { open } = simulatedWorld()
    expect(() => new Scheduler(open().db, options as never)).toThrow(
      expect.objectContaining({ code: 'InvalidInput', field }),
    )
  })
})
