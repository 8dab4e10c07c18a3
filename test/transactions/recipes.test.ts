import {
  addClamped,
  addWithin,
  allocateBlock,
  ConditionFailed,
  changeUnique,
  compareAndDelete,
  compareAndSet,
  decrement,
  increment,
  putIfAbsent,
  releaseUnique,
  reserveUnique,
  uniqueOwner,
} from 'lockrow'
import { expect, it } from 'vitest'
import { onBothBackends } from '../setup/backends.ts'

onBothBackends('recipes', ({ open, pk }) => {
  it('never oversells, and tells each buyer what is left', async () => {
    const key = { pk: pk(), sk: 'sneaker' }
    await open().set({ ...key, data: { stock: 10 } })
    const answers = await Promise.all(Array.from({ length: 30 }, () => decrement(open(), key, 'stock', 1)))
    expect(
      answers
        .filter((answer) => answer.applied)
        .map((answer) => answer.value)
        .sort((a, b) => Number(a) - Number(b)),
    ).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(answers.filter((answer) => !answer.applied).every((answer) => answer.value === 0)).toBe(true)
    expect(await decrement(open(), key, 'stock', 3)).toEqual({ applied: false, value: 0 })
  })

  it('counts a missing item or field as 0', async () => {
    const key = { pk: pk(), sk: 'seats' }
    expect(await increment(open(), key, 'taken', 4, { max: 3 })).toEqual({ applied: false, value: 0 })
    expect(await increment(open(), key, 'taken', 3, { max: 3 })).toEqual({ applied: true, value: 3 })
    expect(await increment(open(), key, 'taken', 1, { max: 3 })).toEqual({ applied: false, value: 3 })
    expect(await addWithin(open(), key, 'other.count', -2, { min: -2, max: 2, exactlyOnce: true })).toEqual({
      applied: true,
      value: -2,
    })
    await expect(addWithin(open(), key, 'taken', 1, { min: 2, max: 1 })).rejects.toMatchObject({
      code: 'InvalidInput',
      field: 'min',
    })
  })

  it('adds and stops at a bound', async () => {
    const key = { pk: pk(), sk: 'health' }
    expect(await addClamped(open(), key, 'points', 30, { min: 0, max: 100 })).toBe(30)
    expect(await addClamped(open(), key, 'points', 90, { min: 0, max: 100 })).toBe(100)
    expect(await addClamped(open(), key, 'points', 1, { min: 0, max: 100 })).toBe(100)
    expect(await addClamped(open(), key, 'points', -250, { min: 0, max: 100 })).toBe(0)
    expect(await addClamped(open(), key, 'points', -5, { max: 100 })).toBe(-5)
    expect(await addClamped(open(), { ...key, sk: 'new' }, 'points', 500, { max: 100 })).toBe(100)
    expect(await addClamped(open(), { ...key, sk: 'new' }, 'points', -10, { min: 0, max: 50 })).toBe(90)
    const all = await Promise.all(
      Array.from({ length: 20 }, () =>
        addClamped(open(), { ...key, sk: 'many' }, 'n', 7, { min: 0, max: 100 }),
      ),
    )
    expect(Math.max(...all.map(Number))).toBe(100)
    expect((await open().get<{ n: number }>({ ...key, sk: 'many' }))?.data.n).toBe(100)
  })

  it('compares and sets, and compares and deletes', async () => {
    const key = { pk: pk(), sk: 'cas' }
    expect(await compareAndSet(open(), key, undefined, { v: 1 })).toMatchObject({ applied: true })
    expect(await compareAndSet(open(), key, undefined, { v: 2 })).toMatchObject({
      applied: false,
      item: { data: { v: 1 } },
    })
    expect(await compareAndSet(open(), key, { v: 1 }, { v: 2 })).toMatchObject({
      applied: true,
      item: { data: { v: 2 } },
    })
    expect(await compareAndDelete(open(), key, { v: 1 })).toMatchObject({
      applied: false,
      item: { data: { v: 2 } },
    })
    expect(await compareAndDelete(open(), key, { v: 2 })).toEqual({ applied: true })
    expect(await open().get(key)).toBeUndefined()
  })

  it('puts if absent, where an expired item counts as absent', async () => {
    const key = { pk: pk(), sk: 'once' }
    const past = Math.floor(Date.now() / 1000) - 10
    await open().set({ ...key, data: 'old', ttl: past })
    expect(await putIfAbsent(open(), { ...key, data: 'new' })).toMatchObject({
      applied: true,
      item: { data: 'new' },
    })
    expect(await open().get(key)).toEqual({ ...key, data: 'new' })
    expect(await putIfAbsent(open(), { ...key, data: 'third' })).toMatchObject({
      applied: false,
      item: { data: 'new' },
    })
  })

  it('keeps values unique through reserve, change and release', async () => {
    const scope = pk()
    const ann = { pk: scope, sk: 'ann' }
    const bob = { pk: scope, sk: 'bob' }
    const db = open()
    await reserveUnique(db, scope, { ...ann, data: 1 }, { email: 'a@x', handle: 'a' })
    const taken = await reserveUnique(db, scope, { ...bob, data: 1 }, { email: 'a@x', handle: 'b' }).catch(
      (error: unknown) => error,
    )
    expect(taken).toBeInstanceOf(ConditionFailed)
    expect(taken).toMatchObject({
      conflicts: [{ key: { sk: 'a@x' }, reason: 'exists', current: { data: ann } }],
    })
    expect(await db.get(bob)).toBeUndefined()
    await changeUnique(
      db,
      scope,
      { ...ann, data: 2 },
      { email: 'a@x', handle: 'a' },
      { email: 'ann@x', handle: 'a' },
    )
    expect(await uniqueOwner(db, scope, 'email', 'a@x')).toBeUndefined()
    expect(await uniqueOwner(db, scope, 'email', 'ann@x')).toEqual(ann)
    await reserveUnique(db, scope, { ...bob, data: 1 }, { email: 'a@x', handle: 'b' })
    await expect(releaseUnique(db, scope, ann, { email: 'a@x' })).rejects.toBeInstanceOf(ConditionFailed)
    await releaseUnique(db, scope, ann, { email: 'ann@x', handle: 'a' })
    expect(await db.get(ann)).toBeUndefined()
    expect(await uniqueOwner(db, scope, 'handle', 'a')).toBeUndefined()
  })

  it('allocates blocks of ids that nobody else gets', async () => {
    const key = { pk: pk(), sk: 'ids' }
    const blocks = await Promise.all(Array.from({ length: 10 }, (_, i) => allocateBlock(open(), key, i + 1)))
    const ids = blocks
      .flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, i) => first + i))
      .sort((a, b) => a - b)
    expect(ids).toEqual(Array.from({ length: 55 }, (_, i) => i + 1))
    await expect(allocateBlock(open(), key, 0)).rejects.toMatchObject({ code: 'InvalidInput' })
  })
})
