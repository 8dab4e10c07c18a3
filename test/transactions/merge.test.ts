import { AtomicMemoryDb, anyOf, atomic, fencedWrite, lockKey, unchanged } from 'lockrow'
import { describe, expect, it } from 'vitest'

const key = { pk: 'p', sk: 'a' }

describe('several operations on one row', () => {
  it('check and bump are a bump, in either order, and the same lock twice is one', async () => {
    const db = new AtomicMemoryDb()
    const lock = await db.getLock(lockKey(key))
    for (const build of [
      atomic(db).check(lock).bump(lock),
      atomic(db).bump([lock, lock]).check(lock).touch(lock),
    ])
      expect(build.operations).toEqual([{ type: 'bump', lock }])
    expect(atomic(db).check([lock, lock]).operations).toEqual([{ type: 'check', lock }])
    const { locks } = await atomic(db).check(lock).bump(lock).commit()
    expect(await db.getLock(lockKey(key))).toEqual(locks[0])
    const builder = atomic(db).check(lock)
    expect(() => builder.bump(locks)).toThrow('p/a#lock, check and bump: the lock was read twice')
    expect(atomic(db).touch([lockKey(key), lockKey(key)]).operations).toHaveLength(1)
  })

  it('a condition and a write are a guarded write', async () => {
    const db = new AtomicMemoryDb()
    await db.set({ ...key, data: { n: 1, state: 'open' } })
    const item = await db.get(key)
    const order = atomic(db)
      .check(key, { if: unchanged(item) })
      .update(key, { add: { n: 1 } }, { if: { n: { lt: 5 } } })
      .check(key, { if: { state: 'open' } })
    expect(order.operations).toHaveLength(1)
    await order.commit()
    expect(await db.get(key)).toMatchObject({ data: { n: 2 } })
    await expect(order.commit()).rejects.toMatchObject({
      code: 'RaceCondition',
      conflicts: [{ reason: 'value' }],
    })
    await expect(
      atomic(db)
        .set({ ...key, data: 1 })
        .check(key, { if: { n: 7 } })
        .commit(),
    ).rejects.toMatchObject({ code: 'ConditionFailed', conflicts: [{ index: 0, failed: ['n'] }] })
  })

  it('updates on different paths are one update, with all conditions', async () => {
    const db = new AtomicMemoryDb()
    const order = atomic(db)
      .update(key, { add: { n: 1 }, set: { a: 1 }, ttl: 9_999_999_999 })
      .update(key, { add: [['m', 2]], remove: ['x'] }, { if: anyOf({ n: { exists: false } }, { n: 1 }) })
      .update(key, { remove: ['y'], ttl: 9_999_999_999 }, { if: { z: { exists: false } } })
      .add(fencedWrite(key, { set: { by: 'me' } }, 3))
    expect(order.operations).toHaveLength(1)
    expect(order.operations[0]).toMatchObject({
      changes: {
        add: [
          ['n', 1],
          ['m', 2],
        ],
        remove: ['x', 'y'],
      },
    })
    await order.commit()
    expect(await db.get(key)).toEqual({
      ...key,
      data: { n: 1, m: 2, a: 1, by: 'me', fence: 3 },
      ttl: 9_999_999_999,
    })
  })

  it('the rest is refused at once, with the reason', async () => {
    const db = new AtomicMemoryDb()
    const lock = await db.getLock(lockKey(key))
    const item = { ...key, data: 1 }
    const update = () => atomic(db).update(key, { add: { n: 1 }, ttl: 1 })
    const refused: [() => unknown, RegExp][] = [
      [() => update().update(key, { set: { 'n.deeper': 1 } }), /update and update: .*overlap/],
      [() => update().update(key, { add: { n: 1 } }), /overlap/],
      [() => update().update(key, { ttl: 2 }), /different ttl/],
      [() => update().update(key, { delete: true }), /deletes what the other one changes/],
      [() => update().set(item), /set writes the item whole/],
      [() => atomic(db).set([item, item]), /set writes the item whole/],
      [() => atomic(db).set(item).delete(key), /deletes what the other one writes/],
      [() => atomic(db).setIfAbsent(item).set(item), /setIfAbsent writes the item whole/],
      [
        () =>
          atomic(db)
            .check(key, { if: { n: 1 } })
            .setIfAbsent(item),
        /setIfAbsent/,
      ],
      [() => atomic(db).queueAcknowledge(key).delete(key), /a message has one operation/],
      [() => atomic(db).queuePush({ pk: 'q', sk: 'm' }).queuePush({ pk: 'q', sk: 'm' }), /a message has one/],
      [
        () =>
          atomic(db)
            .bump(lock)
            .set({ ...lockKey(key), data: 1 }),
        /as a lock and as an item/,
      ],
    ]
    for (const [build, reason] of refused) {
      expect(build).toThrow(reason)
      expect(build).toThrow(expect.objectContaining({ code: 'InvalidInput' }))
    }
    expect(atomic(db).queuePush([{ pk: 'q' }, { pk: 'q' }]).operations).toHaveLength(2)
    await expect(
      atomic(db)
        .set({ pk: 'p' } as never)
        .commit(),
    ).rejects.toMatchObject({ code: 'InvalidInput' })
  })
})
