// A function is run again when its next message is due, by one schedule for that minute; the scheduler can break nothing.

import { AtomicMemoryDb, InvalidInput, type OneShotWakeUpOptions, oneShotWakeUp, queueLambda } from 'lockrow'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

const start = Date.parse('2026-11-21T10:00:20Z')
const arn = 'arn:aws:lambda:eu-west-1:111111111111:function:drain'
const minute = 60_000

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: start })
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllEnvs()
})

type Input = Parameters<OneShotWakeUpOptions['scheduler']['createSchedule']>[0]
type Events = Parameters<NonNullable<OneShotWakeUpOptions['onEvent']>>[0][]

const context = (invokedFunctionArn = arn, leftMs = 10_000) => ({
  invokedFunctionArn,
  getRemainingTimeInMillis: () => leftMs,
})

/** A scheduler that refuses a name it knows, as the service does. */
function fakeScheduler() {
  const schedules = new Map<string, Input>()
  const calls: Input[] = []
  const createSchedule = async (input: Input): Promise<unknown> => {
    calls.push(input)
    const name = `${input.GroupName}/${input.Name}`
    if (schedules.has(name)) throw Object.assign(new Error('it exists'), { name: 'ConflictException' })
    schedules.set(name, input)
    return { ScheduleArn: name }
  }
  const times = () => [...schedules.values()].map(({ ScheduleExpression }) => ScheduleExpression)
  return { scheduler: { createSchedule }, calls, times }
}

/** One process of a function whose invocations end as told. */
function processOf(given: Partial<OneShotWakeUpOptions> = {}, results: unknown[] = []) {
  const fake = fakeScheduler()
  const events: Events = []
  const options = {
    scheduler: fake.scheduler,
    groupName: 'group',
    roleArn: 'arn:aws:iam::111111111111:role/wake',
    onEvent: (event: Events[number]) => events.push(event),
    ...given,
  }
  const run = oneShotWakeUp(async () => {
    const result = results.shift()
    if (result instanceof Error) throw result
    return result as { empty: boolean; nextDue?: number }
  }, options)
  const end = async (...next: unknown[]) => {
    results.push(...next)
    for (const _ of next) await run({}, context())
  }
  return { ...fake, events, run, end }
}

const dueIn = (ms: number) => ({ empty: true, nextDue: start + ms })

describe('the schedule', () => {
  test('is for the minute after the message is due, deletes itself, and runs the function for all queues', async () => {
    const { end, calls, events } = processOf()
    await end(dueIn(90_000))
    expect(calls).toEqual([
      {
        Name: expect.stringMatching(/^lockrow-[0-9a-z]+-202611211002$/),
        GroupName: 'group',
        ScheduleExpression: 'at(2026-11-21T10:02:00)',
        ScheduleExpressionTimezone: 'UTC',
        FlexibleTimeWindow: { Mode: 'OFF' },
        ActionAfterCompletion: 'DELETE',
        Target: { Arn: arn, RoleArn: 'arn:aws:iam::111111111111:role/wake', Input: '{}' },
      },
    ])
    expect(events).toEqual([
      { type: 'planned', name: calls[0]!.Name, at: Date.parse('2026-11-21T10:02:00Z') },
    ])
  })

  test.each<[string, unknown, string[]]>([
    ['nothing is known', { empty: true }, []],
    ['something was left', { empty: false, nextDue: start + 3_600_000 }, ['at(2026-11-21T10:01:00)']],
    ['due this minute', dueIn(1), ['at(2026-11-21T10:01:00)']],
    ['due at a full minute', dueIn(40_000), ['at(2026-11-21T10:01:00)']],
    ['due just after it', dueIn(40_001), ['at(2026-11-21T10:02:00)']],
    ['due in a day and a minute', dueIn(1441 * minute), ['at(2026-11-22T10:02:00)']],
    ['due later than that: the rare schedule sees it before', dueIn(1441 * minute + 1), []],
    ['due in ten years', dueIn(3653 * 1440 * minute), []],
  ])('%s', async (_, result, times) => {
    const { end, times: made } = processOf()
    await end(result)
    expect(made()).toEqual(times)
  })

  test('the name of a minute whose schedule is running is not used again, with a clock that is 10 s behind', async () => {
    const { end, times } = processOf()
    await end(dueIn(30_000))
    vi.setSystemTime(Date.parse('2026-11-21T10:00:51Z'))
    await end({ empty: true, nextDue: Date.parse('2026-11-21T10:00:55Z') })
    expect(times()).toEqual(['at(2026-11-21T10:01:00)', 'at(2026-11-21T10:02:00)'])
  })

  test('a run that threw comes again, and still counts as failed', async () => {
    const { run, times } = processOf({}, [new Error('the table is away')])
    await expect(run({}, context())).rejects.toThrow('the table is away')
    expect(times()).toEqual(['at(2026-11-21T10:01:00)'])
  })

  test('an alias is not what the role may run', async () => {
    const { run, calls } = processOf({}, [dueIn(0)])
    await run({}, context(`${arn}:live`))
    expect(calls.map(({ Target }) => Target.Arn)).toEqual([arn])
  })
})

describe('one schedule a minute', () => {
  test('a process asks once, and again for another minute', async () => {
    const { end, calls } = processOf()
    await end(dueIn(90_000), dueIn(95_000), dueIn(99_000), dueIn(150_000))
    expect(calls.map(({ ScheduleExpression }) => ScheduleExpression)).toEqual([
      'at(2026-11-21T10:02:00)',
      'at(2026-11-21T10:03:00)',
    ])
  })

  test('of two processes the second hears that it is there, which is no error', async () => {
    const first = processOf()
    const second = processOf({ scheduler: first.scheduler })
    await Promise.all([first.end(dueIn(90_000)), second.end(dueIn(91_000))])
    expect(first.calls).toHaveLength(2)
    expect(first.times()).toEqual(['at(2026-11-21T10:02:00)'])
    expect([...first.events, ...second.events].map(({ type }) => type)).toEqual(['planned'])
  })

  test('two functions in a group have schedules of their own', async () => {
    const { run, times } = processOf({}, [dueIn(90_000)])
    await run({}, context())
    const other = processOf({ functionArn: `${arn}-2` }, [dueIn(90_000)])
    await other.run({}, context())
    expect(times()).toEqual(other.times())
    expect(other.calls[0]!.Name).not.toBe(`lockrow-${times()[0]}`)
  })
})

describe('a scheduler that fails', () => {
  test.each<[string, () => Promise<unknown>]>([
    ['refuses', () => Promise.reject(new Error('AccessDenied'))],
    [
      'throws at once',
      () => {
        throw new Error('AccessDenied')
      },
    ],
    ['never answers', () => new Promise(() => {})],
  ])('%s: the result is the same, the next invocation tries again', async (_, createSchedule) => {
    const asked = vi.fn(createSchedule)
    const { run, events } = processOf({ scheduler: { createSchedule: asked }, timeoutMs: 20 }, [
      dueIn(90_000),
      dueIn(90_000),
    ])
    expect(await run({}, context())).toEqual(dueIn(90_000))
    await run({}, context())
    expect(asked).toHaveBeenCalledTimes(2)
    expect(events.map(({ type }) => type)).toEqual(['error', 'error'])
  })

  test('what is asked is told when nobody waits any more, at half of the time that is left', async () => {
    let signal: AbortSignal | undefined
    const scheduler = {
      createSchedule: (_: Input, options?: { abortSignal?: AbortSignal }) => {
        signal = options?.abortSignal
        return new Promise(() => {})
      },
    }
    const { run } = processOf({ scheduler, timeoutMs: 3_600_000 }, [dueIn(90_000)])
    await run({}, context(arn, 30))
    expect(signal?.aborted).toBe(true)
  })
})

describe('what it is given', () => {
  test('group and role from the environment of the function', async () => {
    vi.stubEnv('LOCKROW_WAKE_UP_GROUP', 'ours')
    vi.stubEnv('LOCKROW_WAKE_UP_ROLE', 'arn:role')
    const fake = fakeScheduler()
    await oneShotWakeUp(async () => dueIn(0), { scheduler: fake.scheduler })({}, context())
    expect(fake.calls[0]).toMatchObject({ GroupName: 'ours', Target: { RoleArn: 'arn:role' } })
  })

  test.each<[string, Partial<OneShotWakeUpOptions>, string]>([
    ['no group', { groupName: undefined }, 'groupName'],
    ['no role', { roleArn: undefined }, 'roleArn'],
  ])('%s fails before anything is handled', async (_, given, field) => {
    const handled = vi.fn(async () => ({ empty: true }))
    const options = { ...fakeScheduler(), groupName: 'g', roleArn: 'r', ...given }
    const { scheduler, groupName, roleArn } = options as OneShotWakeUpOptions
    const run = oneShotWakeUp(handled, { scheduler, groupName, roleArn } as OneShotWakeUpOptions)
    await expect(run({}, context())).rejects.toMatchObject({ code: 'InvalidInput', field })
    expect(handled).not.toHaveBeenCalled()
  })

  test.each<[unknown, string]>([
    [undefined, 'options'],
    [{}, 'scheduler.createSchedule'],
    [{ client: {} }, "use 'scheduler'"],
    [{ scheduler: fakeScheduler().scheduler, group: 'g' }, "use 'groupName'"],
    [{ scheduler: fakeScheduler().scheduler, withinMs: -1 }, 'withinMs'],
    [{ scheduler: fakeScheduler().scheduler, groupNam: 'x' }, "did you mean 'groupName'?"],
  ])('%j is refused', (options, words) => {
    const make = () => oneShotWakeUp(async () => ({ empty: true }), options as OneShotWakeUpOptions)
    expect(make).toThrow(InvalidInput)
    expect(make).toThrow(words)
  })
})

test('around queueLambda: a delayed push, a retry and a claim of another process are come back for', async () => {
  const db = new AtomicMemoryDb()
  const fake = fakeScheduler()
  let fails = true
  const drain = queueLambda(
    db,
    () => {
      if (fails) throw new Error('not yet')
    },
    { pk: ['mails', 'reports'], backoff: () => 240 },
  )
  const options = { scheduler: fake.scheduler, groupName: 'g', roleArn: 'r' }
  const run = oneShotWakeUp(drain, options)
  expect(await run({}, context())).toEqual({ handled: 0, empty: true })
  expect(fake.calls).toEqual([])

  await db.queuePush({ pk: 'mails', data: 1, delaySeconds: 600 })
  expect((await run({ queue: 'mails' }, context())).nextDue).toBe(start + 600_000)
  await db.queuePush({ pk: 'reports', data: 2 })
  expect((await run({}, context())).nextDue).toBe(start + 240_000)
  expect(fake.times()).toEqual(['at(2026-11-21T10:11:00)', 'at(2026-11-21T10:05:00)'])

  vi.setSystemTime(start + 280_000)
  fails = false
  expect(await run({}, context())).toEqual({ handled: 1, empty: true, nextDue: start + 600_000 })
  await db.queuePush({ pk: 'reports', data: 3 })
  await db.queuePull({ pk: 'reports', ttlSeconds: 90 })
  expect((await run({}, context())).nextDue).toBe(start + 370_000)
  expect(fake.times().slice(2)).toEqual(['at(2026-11-21T10:07:00)'])
  vi.setSystemTime(start + 640_000)
  expect(await run({}, context())).toMatchObject({ handled: 2, empty: true })
})
