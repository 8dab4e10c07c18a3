import { assert, type Kit, rejects } from './kit.ts'

export function queueGroups({ db, clock, test }: Kit): void {
  test('a pull passes over groups, and finds them again when they are not excepted any more', async (pk) => {
    const groups = ['hot', 'hot', undefined, 'cold', 'hot', 'cold']
    await db().queuePush(groups.map((group, data) => ({ pk, data, group })))
    const exceptGroups = ['hot', 'other']
    const first = await db(1).queuePullMany({ pk, limit: 10, exceptGroups })
    assert.deepEqual(
      first.items.map(({ data }) => data),
      [2, 3, 5],
    )
    assert.deepEqual((await db(1).queuePullMany({ pk, limit: 10, exceptGroups })).items, [])
    assert.deepEqual(
      (await db(1).queuePullMany({ pk, limit: 10, exceptGroups, consistent: false })).items,
      [],
    )
    // Given back by this process, which knows its key.
    clock.advance(2000)
    const all = (await db(1).queuePullMany({ pk, limit: 10 })).items
    assert.deepEqual(
      all.map(({ data }) => data),
      [0, 1, 4],
    )
    await db(1).queueRelease(all[1]!)
    assert.deepEqual((await db(1).queuePull({ pk, exceptGroups })).item, undefined)
    clock.advance(2000)
    assert.equal((await db(1).queuePull({ pk })).item?.data, 1)
  })

  test('groups that cannot be excepted are refused', async (pk) => {
    for (const exceptGroups of ['hot', [''], [5], Array.from({ length: 1001 }, (_, i) => `g${i}`)])
      await rejects(db().queuePull({ pk, exceptGroups: exceptGroups as string[] }), { code: 'InvalidInput' })
    for (const more of [{ strict: true }, { group: 'a' }])
      await rejects(db().queuePull({ pk, exceptGroups: ['b'], ...more }), { code: 'InvalidInput' })
  })
}
