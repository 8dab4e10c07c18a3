import { AtomicMemoryDb } from 'lockrow'
import { schedule } from 'lockrow/schedules'
import { describe, expect, it } from 'vitest'
import { messagesAtOnce } from '../../src/schedules/definition.ts'

const db = new AtomicMemoryDb()
const ok = { name: 'a', cron: '* * * * *' }

describe('what no schedule can be is refused before anything is sent', () => {
  it.each([
    ['schedule', undefined],
    ['schedule', null],
    ['schedule', { name: 'a' }],
    ['schedule', { ...ok, everyMs: 1000 }],
    ['schedule.every', { name: 'a', every: 1000 }],
    ['schedule.tz', { ...ok, tz: 'UTC' }],
    ['name', { cron: '* * * * *' }],
    ['name', { ...ok, name: '' }],
    ['name', { ...ok, name: 'x'.repeat(513) }],
    ['name', { ...ok, name: 'report#lock' }],
    ['pk', { ...ok, pk: '' }],
    ['pk', { ...ok, pk: 'x'.repeat(2045) }],
    ['cron', { name: 'a', cron: '61 * * * *' }],
    ['cron', { name: 'a', cron: '0 0 30 2 *' }],
    ['timezone', { ...ok, timezone: 'Mars/Olympus' }],
    ['timezone', { name: 'a', everyMs: 1000, timezone: 'UTC' }],
    ['everyMs', { name: 'a', everyMs: 999 }],
    ['everyMs', { name: 'a', everyMs: 1500.5 }],
    ['everyMs', { name: 'a', everyMs: 1e12 }],
    ['startAt', { ...ok, startAt: new Date(Number.NaN) }],
    ['startAt', { ...ok, startAt: '2026-01-01' }],
    ['endAt', { ...ok, endAt: -1 }],
    ['endAt', { ...ok, startAt: 2000, endAt: 1000 }],
    ['endAt', { name: 'a', everyMs: 1000, endAt: 1000 }],
    ['missed', { ...ok, missed: 'some' }],
    ['missedLimit', { ...ok, missedLimit: 5 }],
    ['missedLimit', { ...ok, missed: 'all', missedLimit: 0 }],
    ['graceSeconds', { ...ok, graceSeconds: 0 }],
  ])('%s in %j', async (field, input) => {
    await expect(schedule(db, input as never, { pk: 'jobs' })).rejects.toMatchObject({
      code: 'InvalidInput',
      field,
    })
  })

  it.each([
    ['message', undefined],
    ['message', null],
    ['message.pk', {}],
    ['message.sk', { pk: 'jobs', sk: '1' }],
    ['message.ttl', { pk: 'jobs', ttl: 1 }],
    ['message.delaySeconds', { pk: 'jobs', delaySeconds: 5 }],
    ['message.deduplicationId', { pk: 'jobs', deduplicationId: 'x' }],
    ['message.group', { pk: 'jobs', group: '' }],
    ['message.shards', { pk: 'jobs', shards: 0 }],
    ['message.tickField', { pk: 'jobs', tickField: 'at', data: 'text' }],
    ['message.tickField', { pk: 'jobs', tickField: '', data: {} }],
    ['message.queue', { pk: 'jobs', queue: 'jobs' }],
    ['message', { pk: 'jobs', data: 'x'.repeat(420_000) }],
  ])('%s in the message %#', async (field, message) => {
    await expect(schedule(db, ok, message as never)).rejects.toMatchObject({ code: 'InvalidInput', field })
  })

  it('nothing was written', async () => {
    expect(await db.query({ pk: 'lockrow#schedules' })).toEqual([])
    expect(await db.query({ pk: 'lockrow#schedules#due' })).toEqual([])
  })
})

it('large messages are sent by fewer at once, so that a transaction has room for them', () => {
  expect(messagesAtOnce(db.runtime, { pk: 'jobs' })).toBe(90)
  expect(messagesAtOnce(db.runtime, { pk: 'jobs', data: 'x'.repeat(100_000) })).toBe(29)
})
