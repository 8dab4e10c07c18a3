import { AtomicMemoryDb, atomic } from 'lockrow'
import {
  getSchedule,
  listSchedules,
  nextRuns,
  pauseSchedule,
  removeSchedule,
  resumeSchedule,
  schedule,
  scheduleOperations,
} from 'lockrow/schedules'
import { expect, it } from 'vitest'
import { simulatedWorld } from '../setup/world.ts'

const start = Date.UTC(2026, 0, 1)
const minute = 60_000

/** A clock that a test sets. */
function open() {
  const clock = { now: start + 30_000 }
  const db = new AtomicMemoryDb({
    runtime: { now: () => clock.now, monotonic: () => clock.now, random: () => 0.5, sleep: async () => {} },
  })
  const due = async () => (await db.query({ pk: 'lockrow#schedules#due' })).map(({ sk }) => sk)
  return { clock, db, due }
}

const due = (at: number, name = 'a') => `${String(at).padStart(15, '0')}#${name}`

it('a schedule and its due time are written together; saying the same again writes nothing', async () => {
  const { db, clock, due: dues } = open()
  const made = await schedule(db, { name: 'a', cron: '* * * * *' }, { pk: 'jobs', data: { n: 1 } })
  expect(made).toMatchObject({
    name: 'a',
    cron: '* * * * *',
    timezone: 'UTC',
    missed: 'one',
    nextAt: start + minute,
  })
  expect(await dues()).toEqual([due(start + minute)])
  const before = await db.get({ pk: 'lockrow#schedules', sk: 'a' })
  clock.now += 3 * minute
  expect(
    await schedule(db, { name: 'a', cron: '*  * * * *' }, { pk: 'jobs', data: { n: 1 }, group: undefined }),
  ).toEqual(made)
  expect(await db.get({ pk: 'lockrow#schedules', sk: 'a' })).toEqual(before)
})

it('a change of the message keeps the next tick, one of the time does not', async () => {
  const { db, clock, due: dues } = open()
  await schedule(db, { name: 'a', everyMs: 10 * minute }, { pk: 'jobs', data: 1 })
  const first = start + 30_000 + 10 * minute
  clock.now += minute
  expect(await schedule(db, { name: 'a', everyMs: 10 * minute }, { pk: 'jobs', data: 2 })).toMatchObject({
    nextAt: first,
    message: { data: 2 },
  })
  expect(await dues()).toEqual([due(first)])
  const changed = await schedule(db, { name: 'a', everyMs: 5 * minute }, { pk: 'jobs', data: 2 })
  expect(changed.nextAt).toBe(clock.now + 5 * minute)
  expect(await dues()).toEqual([due(clock.now + 5 * minute)])
})

it('replace: false refuses a name that is taken', async () => {
  const { db } = open()
  await schedule(db, { name: 'a', cron: '* * * * *' }, { pk: 'jobs' }, { replace: false })
  await schedule(db, { name: 'a', cron: '* * * * *' }, { pk: 'jobs' }, { replace: false })
  await expect(
    schedule(db, { name: 'a', cron: '*/2 * * * *' }, { pk: 'jobs' }, { replace: false }),
  ).rejects.toMatchObject({ code: 'InvalidInput', field: 'name' })
  await db.set({ pk: 'lockrow#schedules', sk: 'taken', data: { mine: true } })
  await expect(schedule(db, { name: 'taken', cron: '* * * * *' }, { pk: 'jobs' })).rejects.toMatchObject({
    code: 'InvalidInput',
    field: 'name',
  })
  expect((await listSchedules(db)).map(({ name }) => name)).toEqual(['a'])
  expect(await getSchedule(db, 'taken')).toBeUndefined()
  expect(await removeSchedule(db, 'taken')).toBe(false)
})

it('pause, resume and remove, each as often as one likes', async () => {
  const { db, clock, due: dues } = open()
  await schedule(db, { name: 'a', cron: '* * * * *' }, { pk: 'jobs' })
  expect(await pauseSchedule(db, 'a')).toBe(true)
  expect(await pauseSchedule(db, 'a')).toBe(true)
  expect(await getSchedule(db, 'a')).toMatchObject({ pausedAt: start + 30_000 })
  expect(await dues()).toEqual([])
  // Changed while it is paused, it stays so.
  await schedule(db, { name: 'a', cron: '*/5 * * * *' }, { pk: 'jobs' })
  expect(await dues()).toEqual([])
  clock.now += 7 * minute
  expect(await resumeSchedule(db, 'a')).toBe(true)
  expect(await resumeSchedule(db, 'a')).toBe(true)
  expect(await getSchedule(db, 'a')).toMatchObject({ nextAt: start + 10 * minute })
  expect((await getSchedule(db, 'a'))?.pausedAt).toBeUndefined()
  expect(await dues()).toEqual([due(start + 10 * minute)])
  expect(await removeSchedule(db, 'a')).toBe(true)
  expect(await removeSchedule(db, 'a')).toBe(false)
  expect(await pauseSchedule(db, 'a')).toBe(false)
  expect([await getSchedule(db, 'a'), await dues()]).toEqual([undefined, []])
})

it('lists by name, in pages, per partition', async () => {
  const { db } = open()
  for (const name of ['b', 'a1', 'a2']) await schedule(db, { name, everyMs: 5000 }, { pk: 'jobs' })
  await schedule(db, { name: 'theirs', everyMs: 5000, pk: 'acme#schedules' }, { pk: 'acme#jobs' })
  const names = async (options = {}) => (await listSchedules(db, options)).map(({ name }) => name)
  expect(await names()).toEqual(['a1', 'a2', 'b'])
  expect(await names({ prefix: 'a' })).toEqual(['a1', 'a2'])
  expect(await names({ limit: 2 })).toEqual(['a1', 'a2'])
  expect(await names({ after: 'a2' })).toEqual(['b'])
  expect(await names({ pk: 'acme#schedules' })).toEqual(['theirs'])
  expect(await removeSchedule(db, 'theirs', { pk: 'acme#schedules' })).toBe(true)
  await expect(listSchedules(db, { prefx: 'a' } as never)).rejects.toThrow(/prefix/)
})

it('the next runs are shown without a read', async () => {
  const { db, clock } = open()
  const made = await schedule(db, { name: 'a', everyMs: minute, endAt: start + 4 * minute }, { pk: 'jobs' })
  expect(nextRuns(made)).toEqual([1.5, 2.5, 3.5].map((minutes) => start + minutes * minute))
  expect(nextRuns(made, 1)).toEqual([start + 1.5 * minute])
  expect(nextRuns(made, 5, start + 2 * minute)).toEqual([start + 2.5 * minute, start + 3.5 * minute])
  await pauseSchedule(db, 'a')
  expect(nextRuns((await getSchedule(db, 'a'))!, 1)).toEqual([start + 1.5 * minute])
  clock.now = start + 20 * minute
  await resumeSchedule(db, 'a')
  expect(nextRuns((await getSchedule(db, 'a'))!)).toEqual([])
  expect(() => nextRuns(undefined as never)).toThrow(/schedule/)
})

it('startAt in the past counts, one in the future is the first tick of an interval', async () => {
  const { db } = open()
  const early = await schedule(db, { name: 'a', everyMs: minute, startAt: new Date(start) }, { pk: 'jobs' })
  expect(early.nextAt).toBe(start + minute)
  const later = await schedule(db, { name: 'b', everyMs: minute, startAt: start + 90_000 }, { pk: 'jobs' })
  expect(later.nextAt).toBe(start + 90_000)
  const cron = await schedule(db, { name: 'c', cron: '@daily', startAt: start + 86_400_000 }, { pk: 'jobs' })
  expect(cron.nextAt).toBe(start + 86_400_000)
})

it('is made in a transaction of the caller, all of it or nothing', async () => {
  const { db } = open()
  const input = { name: 'a', cron: '* * * * *' }
  const operations = await scheduleOperations(db, input, { pk: 'jobs' })
  await expect(
    atomic(db)
      .add(...operations)
      .check({ pk: 'customer', sk: '1' }, { if: { state: 'active' } })
      .commit(),
  ).rejects.toMatchObject({ code: 'ConditionFailed' })
  expect(await listSchedules(db)).toEqual([])
  await atomic(db)
    .add(...operations)
    .set({ pk: 'customer', sk: '1', data: { state: 'active' } })
    .commit()
  expect(await getSchedule(db, 'a')).toMatchObject({ nextAt: start + minute })
  expect(await scheduleOperations(db, input, { pk: 'jobs' })).toEqual([])
  await expect(
    atomic(db)
      .add(...operations)
      .commit(),
  ).rejects.toMatchObject({ code: 'ConditionFailed' })
})

it('changes at once are planned anew, none is lost', async () => {
  const { world, open: join } = simulatedWorld()
  await world.run(async () => {
    const processes = Array.from({ length: 6 }, () => join())
    await Promise.all(
      processes.map(({ db }, n) => schedule(db, { name: 'a', everyMs: 1000 * (n + 1) }, { pk: 'jobs' })),
    )
    const { db } = processes[0]!
    const [only] = await db.query({ pk: 'lockrow#schedules#due' })
    const made = await getSchedule(db, 'a')
    expect(await db.query({ pk: 'lockrow#schedules#due' })).toHaveLength(1)
    expect(only?.sk).toBe(due(made!.nextAt!))
  })
})
