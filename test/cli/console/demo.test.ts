import { expect, it } from 'vitest'
import { makeDemo } from '../../../src/cli/console/demo.ts'
import { consoleOf } from '../../setup/console.ts'

it('a shop that the console shows in all its views', async () => {
  const { db, start, stop, ...options } = makeDemo()
  await start()
  try {
    const { call } = consoleOf(db, options)
    const outcomes = async () => {
      const { calls } = await call<{ calls: { outcome: string; method: string }[] }>('transaction.list')
      return new Set(calls.map(({ outcome, method }) => `${method} ${outcome}`))
    }
    await expect.poll(outcomes, { timeout: 25_000 }).toContain('transact committed')
    const { messages } = await call<{ messages: unknown[] }>('queue.peek', { pk: 'mails' })
    expect(messages.length).toBeGreaterThan(0)
    const leases = async () =>
      (await call<{ leases: { kind: string }[] }>('lease.list', { pk: 'locks' })).leases
        .map(({ kind }) => kind)
        .sort()
    await expect.poll(leases, { timeout: 25_000 }).toEqual(['mutex', 'read-write lock', 'semaphore'])
    const { schedules } = await call<{ schedules: unknown[] }>('schedule.list')
    expect(schedules).toHaveLength(2)
    expect((await call<{ collections: unknown[] }>('item.collections')).collections).toHaveLength(1)
    expect(await call('cost.show')).toMatchObject({ console: { all: {} }, traffic: { all: {} } })
  } finally {
    await stop()
  }
})
