import { AtomicMemoryDb, lockKey, Mutex } from 'lockrow'
import { describe, expect, it } from 'vitest'
import { countRows } from '../../../src/console/calls/inventory.ts'
import { consoleOf } from '../../setup/console.ts'

interface Found {
  partitions: { pk: string; items: number; locks: number; messages: number; internal: boolean }[]
  queues: string[]
  leases: { sk: string }[]
  read: number
  next?: object
}

const filled = async () => {
  const db = new AtomicMemoryDb()
  await db.set(['a', 'b', 'c'].map((sk) => ({ pk: 'users', sk, data: {} })))
  await db.getLock(lockKey({ pk: 'users', sk: 'a' }))
  await db.queuePush([
    { pk: 'jobs', data: 1 },
    { pk: 'jobs', data: 2, delaySeconds: 600 },
  ])
  await db.queuePush([{ pk: 'wide', data: 1 }], { shards: 4 })
  await new Mutex(db, { pk: 'locks', sk: 'm' }, { ttlMs: 60_000 }).acquire()
  return db
}

describe('a scan of the table', () => {
  it('finds partitions, queues and leases, step by step', async () => {
    const { call } = consoleOf(await filled())
    const all: Found[] = []
    let next: object | undefined
    do {
      all.push(await call<Found>('table.scan', { limit: 2, after: next }))
      next = all.at(-1)!.next
    } while (next)
    expect(all.length).toBeGreaterThan(3)
    expect(new Set(all.flatMap(({ queues }) => queues))).toEqual(new Set(['jobs', 'wide']))
    expect(all.flatMap(({ leases }) => leases).map(({ sk }) => sk)).toEqual(['m'])
    const users = all.flatMap(({ partitions }) => partitions).filter(({ pk }) => pk === 'users')
    expect(users.reduce((sum, { items, locks }) => [sum[0]! + items, sum[1]! + locks], [0, 0])).toEqual([
      3, 1,
    ])
  })

  it('tells the rows of the library from those of the application', () => {
    const internal = (pk: string) => countRows([{ pk, sk: 'x', data: 1 }])[0]!.internal
    expect(['lockrow#processes', 'lockrow#schedules', 'a#payload#1', 'q#work'].map(internal)).toEqual([
      true,
      true,
      true,
      true,
    ])
    expect(internal('users')).toBe(false)
  })

  it('is refused where it is not allowed', async () => {
    const { ask } = consoleOf(await filled(), { scan: false })
    expect(await ask('table.scan')).toMatchObject({ status: 400, error: { message: /scan: true/ } })
  })
})
