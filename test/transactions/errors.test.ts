import { absent, allOf, anyOf, atomic, ConditionFailed, lockKey, not, path, RaceCondition } from 'lockrow'
import { expect, it } from 'vitest'
import { onBothBackends } from '../setup/backends.ts'

const caught = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.fail('must fail'),
    (error: unknown) => error,
  )

onBothBackends('ConditionFailed and RaceCondition', ({ open, pk }) => {
  it('a condition of your own: which tests failed, and what is there', async () => {
    const key = { pk: pk(), sk: 'shoe' }
    const db = open()
    await db.set({ ...key, data: { stock: 1, state: 'open', 'a.b': 1 } })
    const failing = [
      [{ stock: { gte: 3, lt: 9 }, state: 'open' }, ['stock.gte']],
      [{ state: 'shut', stock: 1 }, ['state']],
      [allOf({ stock: { eq: 2 } }, not({ state: 'open' })), ['stock.eq', 'not']],
      [anyOf({ stock: 2 }, { stock: 3 }), ['anyOf']],
      [absent, ['absent']],
      [{ [path('a.b')]: 2 }, [path('a.b')]],
    ] as const
    for (const [condition, failed] of failing) {
      const error = await caught(
        atomic(db)
          .update(key, { add: { stock: -1 } }, { if: condition })
          .commit(),
      )
      expect(error).toBeInstanceOf(ConditionFailed)
      expect(error).not.toBeInstanceOf(RaceCondition)
      expect(error).toMatchObject({
        keys: [key],
        conflicts: [{ index: 0, key, reason: 'condition', failed, current: { data: { stock: 1 } } }],
      })
      expect((error as Error).message).toContain(failed[0])
    }
    const missing = await caught(
      atomic(db)
        .delete({ ...key, sk: 'none' }, { if: { stock: 1 } })
        .commit(),
    )
    expect(missing).toMatchObject({
      code: 'ConditionFailed',
      conflicts: [{ failed: ['stock'], current: undefined }],
    })
  })

  it('what is there already, also where a message has a key of its own', async () => {
    const part = pk()
    const db = open()
    await db.set({ pk: part, sk: 'name', data: 'ann' })
    await db.queuePush({ pk: `${part}-q`, sk: 'm', data: 1 })
    const errors = [
      await caught(atomic(db).setIfAbsent({ pk: part, sk: 'name', data: 'bob' }).commit()),
      await caught(
        atomic(db)
          .queuePush({ pk: `${part}-q`, sk: 'm' })
          .commit(),
      ),
      await caught(db.queuePush({ pk: `${part}-q`, sk: 'm' })),
    ]
    for (const error of errors) {
      expect(error).toMatchObject({ code: 'ConditionFailed', conflicts: [{ reason: 'exists' }] })
      expect((error as ConditionFailed).conflicts[0]?.current).toBeDefined()
    }
  })

  it('where both apply, RaceCondition lists all of it', async () => {
    const key = { pk: pk(), sk: 'shoe' }
    const db = open()
    const lock = await db.getLock(lockKey(key))
    await db.setAtomic({ ...key, data: { stock: 0 } }, lock)
    const both = atomic(db)
      .bump(lock)
      .update(key, { add: { stock: -1 } }, { if: { stock: { gte: 1 } } })
    const error = await caught(both.commit())
    expect(error).toBeInstanceOf(RaceCondition)
    expect(error).not.toBeInstanceOf(ConditionFailed)
    expect(error).toMatchObject({
      conflicts: [{ reason: 'lock' }, { reason: 'condition', failed: ['stock.gte'] }],
    })
  })
})
