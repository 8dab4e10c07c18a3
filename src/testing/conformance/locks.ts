import type { AtomicDbItemLock } from '../../interface.ts'
import { lockKey } from '../../model/key-names.ts'
import { assert, type Kit, rejects, seconds } from './kit.ts'

const hour = 3600

export function locks({ db, clock, test }: Kit): void {
  test('a lock is made once and returned as it is', async (pk) => {
    const key = { pk, sk: 'a#lock' }
    const first = await db().getLock(key)
    assert.deepEqual([first.pk, first.sk], [pk, 'a#lock'])
    assert.match(first.version, /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/)
    assert.ok(Math.abs(first.ttl - seconds(clock, 24 * hour)) <= 2)
    assert.deepEqual(await db(1).getLock(key), first)
    assert.deepEqual(lockKey({ pk, sk: 'a' }), key)
  })

  test('clients that race to make a lock get the same one', async (pk) => {
    const made = await Promise.all(
      Array.from({ length: 12 }, (_, i) => db(i % 4).getLock({ pk, sk: 'a#lock' })),
    )
    assert.equal(new Set(made.map((lock) => lock.version)).size, 1)
  })

  test('a locked write gives the lock a new version, and an old one fails', async (pk) => {
    const key = { pk, sk: 'a' }
    const lock = await db().getLock(lockKey(key))
    const [next] = await db().setAtomic({ ...key, data: 1 }, lock)
    assert.notEqual(next?.version, lock.version)
    assert.deepEqual(await db(1).getLock(lockKey(key)), next)
    const error = await rejects(db(1).setAtomic({ ...key, data: 2 }, lock), {
      code: 'RaceCondition',
      name: 'RaceCondition',
    })
    assert.deepEqual(error.keys, [lockKey(key)])
    const [conflict] = error.conflicts as { current?: { version: string } }[]
    assert.equal(conflict?.current?.version, next?.version)
    assert.equal((await db(1).get(key, { consistent: true }))?.data, 1)
    await db().setAtomic({ ...key, data: 3 }, next!)
  })

  test('n items and m locks are written together or not at all', async (pk) => {
    const held = await Promise.all(['x#lock', 'y#lock', 'z#lock'].map((sk) => db().getLock({ pk, sk })))
    const items = Array.from({ length: 20 }, (_, data) => ({ pk, sk: `i${data}`, data }))
    const next = await db().setAtomic(items, held)
    assert.deepEqual(
      next.map((lock) => lock.sk),
      ['x#lock', 'y#lock', 'z#lock'],
    )
    assert.equal((await db().query({ pk })).length, 20)
    // One stale lock among three: nothing is written, no lock moves.
    const mixed = [next[0]!, held[1]!, next[2]!]
    const error = await rejects(
      db().setAtomic(
        items.map((item) => ({ ...item, data: 'new' })),
        mixed,
      ),
      { code: 'RaceCondition' },
    )
    assert.deepEqual(error.keys, [{ pk, sk: 'y#lock' }])
    assert.ok((await db().query({ pk })).every((item) => item.data !== 'new'))
    await db().setAtomic([], next)
  })

  test('in its last hour a lock is refreshed and keeps its version', async (pk) => {
    const key = { pk, sk: 'a#lock' }
    const lock = await db().getLock(key)
    clock.advance(22.9 * hour * 1000)
    assert.deepEqual(await db(1).getLock(key), lock)
    clock.advance(0.2 * hour * 1000)
    const refreshed = await db(1).getLock(key)
    assert.equal(refreshed.version, lock.version)
    assert.ok(refreshed.ttl > lock.ttl + 20 * hour)
    // The refresh must not fail the work of who read the lock before.
    await db().setAtomic({ pk, sk: 'a', data: 1 }, lock)
  })

  test('expire, take over, then the first owner acts: it fails', async (pk) => {
    const key = { pk, sk: 'a' }
    const first = await db().getLock(lockKey(key))
    clock.advance(25 * hour * 1000)
    const second = await db(1).getLock(lockKey(key))
    assert.notEqual(second.version, first.version)
    await db(1).setAtomic({ ...key, data: 'second' }, second)
    await rejects(db().setAtomic({ ...key, data: 'first' }, first), { code: 'RaceCondition' })
    assert.equal((await db().get(key, { consistent: true }))?.data, 'second')
  })

  test('an expired lock that nobody took is gone too', async (pk) => {
    const lock = await db().getLock({ pk, sk: 'a#lock' })
    clock.advance(25 * hour * 1000)
    await rejects(db().setAtomic({ pk, sk: 'a', data: 1 }, lock), { code: 'RaceCondition' })
  })

  test('create, commit and delete by another client does not go unnoticed', async (pk) => {
    const key = { pk, sk: 'a' }
    const early = await db().getLock(lockKey(key))
    await db(1).setAtomic({ ...key, data: 'other' }, await db(1).getLock(lockKey(key)))
    await db(1).delete([key, lockKey(key)])
    await rejects(db().setAtomic({ ...key, data: 'mine' }, early), { code: 'RaceCondition' })
    assert.equal(await db().get(key, { consistent: true }), undefined)
    const late = await db().getLock(lockKey(key))
    await db().setAtomic({ ...key, data: 'mine' }, late)
  })

  test('set, update and delete do not look at locks', async (pk) => {
    const key = { pk, sk: 'a' }
    const lock = await db().getLock(lockKey(key))
    await db(1).set({ ...key, data: { n: 1 } })
    await db(1).update(key, { add: { n: 1 } })
    await db(1).delete(key)
    await db().setAtomic({ ...key, data: 2 }, lock)
  })

  test('two clients in each of the 20 orders of their steps: who commits second with an old lock fails', async (pk) => {
    const orders = (a: number, b: number): string[] =>
      a === 0 || b === 0
        ? ['a'.repeat(a) + 'b'.repeat(b)]
        : [...orders(a - 1, b).map((rest) => `a${rest}`), ...orders(a, b - 1).map((rest) => `b${rest}`)]
    for (const order of orders(3, 3)) {
      const key = { pk, sk: order }
      const committed: string[] = []
      const steps = (client: number, name: string) => {
        let lock: AtomicDbItemLock
        let read: string
        const all = [
          async () => {
            lock = await db(client).getLock(lockKey(key))
          },
          async () => {
            read = (await db(client).get<string>(key, { consistent: true }))?.data ?? ''
          },
          async () => {
            try {
              await db(client).setAtomic({ ...key, data: read + name }, lock)
              committed.push(name)
            } catch (error) {
              if ((error as Error).name !== 'RaceCondition') throw error
            }
          },
        ]
        return () => all.shift()!()
      }
      const next = { a: steps(0, 'a'), b: steps(1, 'b') }
      for (const who of order) await next[who as 'a' | 'b']()
      // Both commit exactly if one takes its lock after the other's commit.
      assert.equal(committed.length, order === 'aaabbb' || order === 'bbbaaa' ? 2 : 1, order)
      assert.equal((await db(2).get(key, { consistent: true }))?.data, committed.join(''), order)
    }
  })

  test('two clients that increment at once: the sum is right', async (pk) => {
    const key = { pk, sk: 'counter' }
    const increment = async (client: number) => {
      for (;;) {
        const lock = await db(client).getLock(lockKey(key))
        const item = await db(client).get<number>(key, { consistent: true })
        try {
          await db(client).setAtomic({ ...key, data: (item?.data ?? 0) + 1 }, lock)
          return
        } catch (error) {
          if ((error as Error).name !== 'RaceCondition') throw error
        }
      }
    }
    await Promise.all(
      [0, 1, 2].map(async (client) => {
        for (let i = 0; i < 10; i++) await increment(client)
      }),
    )
    assert.equal((await db(3).get(key))?.data, 30)
  })

  test('getLocked reads items with their locks and makes missing ones', async (pk) => {
    await db().set({ pk, sk: 'a', data: 1 })
    const lock = await db().getLock({ pk, sk: 'a#lock' })
    const [a, none] = await db().getLocked<number>([
      { pk, sk: 'a' },
      { pk, sk: 'none' },
    ])
    assert.deepEqual(a, { item: { pk, sk: 'a', data: 1 }, lock })
    assert.equal(none?.item, undefined)
    assert.deepEqual(await db(1).getLock({ pk, sk: 'none#lock' }), none?.lock)
    const many = await db().getLocked(Array.from({ length: 60 }, (_, i) => ({ pk, sk: `m${i}` })))
    assert.equal(new Set(many.map(({ lock: { sk } }) => sk)).size, 60)
    await rejects(
      db().getLocked([
        { pk, sk: 'a' },
        { pk, sk: 'a' },
      ]),
      { code: 'InvalidInput' },
    )
  })

  test('an item is no lock and a lock is no item', async (pk) => {
    await db().set({ pk, sk: 'item', data: 1 })
    await rejects(db().getLock({ pk, sk: 'item' }), { code: 'InvalidInput' })
    assert.equal((await db().get({ pk, sk: 'item' }))?.data, 1)
    const lock = await db().getLock({ pk, sk: 'a#lock' })
    await rejects(db().update({ pk, sk: 'a#lock' }, { set: { '': 1 } }), { code: 'InvalidInput' })
    await rejects(
      db().transact([{ type: 'update', key: { pk, sk: 'a#lock' }, changes: { set: { x: 1 } } }]),
      { code: 'InvalidInput' },
    )
    assert.deepEqual(await db().getLock({ pk, sk: 'a#lock' }), lock)
    const item = await db().get({ pk, sk: 'item' })
    await rejects(db().setAtomic({ pk, sk: 'x' }, item as never), { code: 'InvalidInput' })
  })
}
