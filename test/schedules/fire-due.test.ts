import { AtomicMemoryDb } from 'lockrow'
import { type AnswerOf, type ArgumentsOf, type ContractMethod, ForwardingDb } from 'lockrow/backend'
import { pauseSchedule, removeSchedule, type ScheduleInput, schedule } from 'lockrow/schedules'
import { expect, it } from 'vitest'
import { fireDue } from '../../src/schedules/fire-due.ts'

/** Something happens between what a driver reads and its commit. */
class Delayed extends ForwardingDb {
  between: (() => Promise<unknown>) | undefined

  protected override forward<M extends ContractMethod>(method: M, args: ArgumentsOf<M>): AnswerOf<M> {
    const { between } = this
    if (method !== 'transact' || !between) return super.forward(method, args)
    this.between = undefined
    return between().then((): unknown => super.forward(method, args)) as AnswerOf<M>
  }
}

const input: ScheduleInput = { name: 'a', cron: '* * * * *' }

it.each<[string, (db: AtomicMemoryDb, clock: { now: number }) => Promise<unknown>, unknown[]]>([
  ['another driver', (db) => fireDue(db, { pk: 'lockrow#schedules', leadMs: 0 }), ['old']],
  ['a change', (db) => schedule(db, input, { pk: 'jobs', data: 'new' }), []],
  ['a pause', (db) => pauseSchedule(db, 'a'), []],
  ['a removal', (db) => removeSchedule(db, 'a'), []],
  [
    'a schedule of the same name and time',
    async (db, clock) => {
      await removeSchedule(db, 'a')
      // By a clock that is a little behind.
      clock.now -= 500
      await schedule(db, { ...input, missed: 'skip', startAt: 0 }, { pk: 'jobs', data: 'new' })
      clock.now += 500
    },
    [],
  ],
])('what was planned before %s sends nothing', async (_, between, expected) => {
  const clock = { now: Date.UTC(2026, 0, 1) + 59_000 }
  const memory = new AtomicMemoryDb({
    runtime: { now: () => clock.now, monotonic: () => clock.now, random: () => 0.5, sleep: async () => {} },
  })
  await schedule(memory, input, { pk: 'jobs', data: 'old' })
  const db = new Delayed(memory)
  clock.now += 1000
  db.between = () => between(memory, clock)
  await fireDue(db, { pk: 'lockrow#schedules', leadMs: 0 })
  expect(db.between).toBeUndefined()
  expect((await memory.queuePeek({ pk: 'jobs' })).map(({ data }) => data)).toEqual(expected)
})

it.each([
  ['before its moment', -2000, 60_000],
  ['a moment after it', 300, 60_400],
])('a tick that is sent %s comes then, and not at the second after it', async (_, late, expected) => {
  const start = Date.UTC(2026, 0, 1)
  const clock = { now: start }
  const db = new AtomicMemoryDb({ now: () => clock.now })
  await schedule(db, input, { pk: 'jobs', data: 1 })
  clock.now = start + 60_000 + late
  expect((await fireDue(db, { pk: 'lockrow#schedules', leadMs: 5000 })).fired).toBe(1)
  const pulled = async (at: number) => {
    clock.now = start + at
    return (await db.queuePull({ pk: 'jobs' })).item !== undefined
  }
  expect(await pulled(expected - 1)).toBe(false)
  expect(await pulled(expected)).toBe(true)
})
