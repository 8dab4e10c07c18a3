import { Liveness, Mutex, ReadWriteLock, Semaphore } from 'lockrow'
import { expect, it } from 'vitest'
import type { LeaseRow } from '../../../src/console/calls/lease-rows.ts'
import { onBothBackends } from '../../setup/backends.ts'
import { consoleOf } from '../../setup/console.ts'

interface Listed {
  leases: LeaseRow[]
}

onBothBackends('leases in the console', ({ open, pk }) => {
  it('who holds what, and whose process is alive', async () => {
    const db = open()
    const place = pk()
    const { call } = consoleOf(db)
    await using liveness = await new Liveness(db, { pk: `${place}-processes` }).start()
    const mutex = new Mutex(db, { pk: place, sk: 'm' }, { ttlMs: 60_000, label: 'nightly', liveness })
    await mutex.acquire()
    await new Semaphore(db, { pk: place, sk: 's' }, { permits: 2, ttlMs: 60_000 }).acquire()
    await new ReadWriteLock(db, { pk: place, sk: 'r' }, { ttlMs: 60_000 }).acquireRead()
    await db.set({ pk: place, sk: 'x', data: { owner: 'ann' } })
    const { leases } = await call<Listed>('lease.list', { pk: place })
    expect(leases.map(({ kind, sk }) => [kind, sk])).toEqual([
      ['mutex', 'm'],
      ['read-write lock', 'r'],
      ['semaphore', 's'],
    ])
    expect(leases[0]!.holders[0]).toMatchObject({ label: 'nightly', role: 'owner', process: liveness.key })
    expect(leases[0]!.token).toBe(1)
    const keys = leases.map(({ sk }) => ({ pk: place, sk }))
    expect((await call<Listed>('lease.read', { keys })).leases).toHaveLength(3)
    const { processes } = await call<{ processes: unknown[] }>('lease.processes', {
      pk: `${place}-processes`,
    })
    expect(processes).toMatchObject([{ sk: liveness.key.sk, draining: false }])
  })

  it('are taken from the holder that was shown, and from no other one', async () => {
    const db = open()
    const place = pk()
    const { call } = consoleOf(db)
    const mutex = new Mutex(db, { pk: place, sk: 'm' }, { ttlMs: 60_000 })
    const semaphore = new Semaphore(db, { pk: place, sk: 's' }, { permits: 1, ttlMs: 60_000 })
    const lock = new ReadWriteLock(db, { pk: place, sk: 'r' }, { ttlMs: 60_000 })
    await Promise.all([mutex.acquire(), semaphore.acquire(), lock.acquireWrite()])
    const { leases } = await call<Listed>('lease.list', { pk: place })
    const release = (sk: string, holder: string) =>
      call<{ released: boolean }>('lease.forceRelease', { pk: place, sk, confirm: sk, holder })
    for (const { sk, holders } of leases) {
      expect(await release(sk, 'somebody else')).toMatchObject({ released: false })
      expect(await release(sk, holders[0]!.id)).toMatchObject({ released: true })
      expect(await release(sk, holders[0]!.id)).toMatchObject({ released: false })
    }
    expect(await mutex.isLocked()).toBe(false)
    expect(await semaphore.available()).toBe(1)
    const next = await new Mutex(db, { pk: place, sk: 'm' }, { ttlMs: 60_000 }).tryAcquire()
    expect(next!.fencingToken).toBe(2)
    await expect(mutex.extend()).rejects.toMatchObject({ code: 'LeaseLost' })
    expect(await lock.acquireRead({ timeoutMs: 5000 })).toBeDefined()
  })
})
