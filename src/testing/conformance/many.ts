import type { DeleteRangeProgress } from '../../interface.ts'
import { lockKey } from '../../model/key-names.ts'
import { assert, type Kit, rejects, seconds } from './kit.ts'

/** Many items at a time: as of one moment, or a range to delete. */
export function many({ db, clock, test }: Kit): void {
  test('getTogether: in the order and length of the keys, without locks', async (pk) => {
    await db().set([
      { pk, sk: 'a', data: 1 },
      { pk, sk: 'old', data: 2, ttl: seconds(clock, -1) },
      { pk: `${pk}2`, sk: 'a', data: 3 },
    ])
    await db().getLock({ pk, sk: 'l#lock' })
    const keys = ['a', 'none', 'old', 'l#lock', 'a'].map((sk) => ({ pk, sk }))
    const found = await db().getTogether<number>([...keys, { pk: `${pk}2`, sk: 'a' }])
    assert.deepEqual(
      found.map((item) => item?.data),
      [1, undefined, undefined, undefined, 1, 3],
    )
    assert.deepEqual(await db().getTogether([]), [])
    // No lock row was made.
    await db().delete({ pk, sk: 'a' })
    assert.equal((await db().deleteRange({ pk, sk: 'a' })).deleted, 0)
  })

  test('getTogether: 100 items, and no more', async (pk) => {
    const keys = Array.from({ length: 100 }, (_, i) => ({ pk, sk: `i${i}` }))
    await db().set(keys.map((key, i) => ({ ...key, data: i })))
    assert.deepEqual(
      (await db().getTogether(keys)).map((item) => item?.data),
      keys.map((_, i) => i),
    )
    await rejects(db().getTogether([...keys, { pk, sk: 'more' }]), {
      code: 'InvalidInput',
      field: 'keys',
      limit: 100,
    })
    await rejects(db().getTogether([keys[0]!, { pk, sk: '' }]), { code: 'InvalidInput', field: 'keys[1].sk' })
    await rejects(db().getTogether('keys' as never), { code: 'InvalidInput', field: 'keys' })
  })

  test('getTogether: more than 4 MB is InvalidInput, not a part', async (pk) => {
    const keys = Array.from({ length: 12 }, (_, i) => ({ pk, sk: `i${i}` }))
    await db().set(keys.map((key) => ({ ...key, data: 'x'.repeat(390_000) })))
    assert.equal((await db().getTogether(keys.slice(0, 10))).length, 10)
    await rejects(db().getTogether(keys), { code: 'InvalidInput', field: 'keys', limit: 4 * 1024 * 1024 })
  })

  test('deleteRange: the rows of the range, locks and expired ones included', async (pk) => {
    await db().set(['a', 'b1', 'b2', 'b3', 'c'].map((sk) => ({ pk, sk, data: sk })))
    await db().set({ pk, sk: 'b4', ttl: seconds(clock, -1) })
    const lock = await db().getLock(lockKey({ pk, sk: 'b1' }))
    assert.deepEqual(await db().deleteRange({ pk, sk: 'b' }), { deleted: 3, done: true })
    assert.deepEqual(
      (await db().query({ pk })).map((item) => item.sk),
      ['a', 'c'],
    )
    assert.equal(await db().get({ pk, sk: 'b2' }), undefined)
    await rejects(db().setAtomic({ pk, sk: 'b1' }, lock), { code: 'RaceCondition' })
    assert.deepEqual(await db().deleteRange({ pk, sk: 'b' }), { deleted: 0, done: true })
    assert.deepEqual(await db().deleteRange({ pk, from: 'a', to: 'c', exclude: 'to' }), {
      deleted: 1,
      done: true,
    })
    assert.deepEqual(await db().deleteRange({ pk }), { deleted: 1, done: true })
  })

  test('deleteRange: in slices, with progress, to go on and to stop', async (pk) => {
    await db().set(Array.from({ length: 30 }, (_, i) => ({ pk, sk: `i${i + 10}` })))
    const seen: DeleteRangeProgress[] = []
    const onProgress = (progress: DeleteRangeProgress) => seen.push(progress)
    assert.deepEqual(await db().deleteRange({ pk }, { limit: 10, onProgress }), { deleted: 10, done: false })
    assert.deepEqual(seen, [{ deleted: 10, sk: 'i19' }])
    assert.deepEqual(await db().deleteRange({ pk }, { limit: 20, onProgress }), { deleted: 20, done: true })
    assert.deepEqual(seen[1], { deleted: 20, sk: 'i39' })
    await db().set({ pk, sk: 'a' })
    await assert.rejects(db().deleteRange({ pk }, { signal: AbortSignal.abort(new Error('stop')) }), /stop/)
    assert.equal(await db().count({ pk }), 1)
    for (const limit of [0, 1.5, '1'])
      await rejects(db().deleteRange({ pk }, { limit: limit as number }), {
        code: 'InvalidInput',
        field: 'options.limit',
      })
    await rejects(db().deleteRange({ pk }, { limits: 1 } as never), {
      code: 'InvalidInput',
      field: 'options.limits',
    })
    await rejects(db().deleteRange({ pk, limit: 1 } as never), { code: 'InvalidInput', field: 'range.limit' })
    await rejects(db().deleteRange(undefined as never), { code: 'InvalidInput', field: 'range' })
  })
}
