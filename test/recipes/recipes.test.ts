import { type AtomicDbInterface, ConditionFailed, unchanged } from 'lockrow'
import {
  addClamped,
  addWithin,
  allocateBlock,
  changeUnique,
  compareAndDelete,
  compareAndSet,
  decrement,
  increment,
  putIfAbsent,
  releaseUnique,
  reserveUnique,
  uniqueOwner,
} from 'lockrow/recipes'
import { expect, it } from 'vitest'
import { onBothBackends } from '../setup/backends.ts'

/** The database, and how often its `update` was called. */
function counted(db: AtomicDbInterface): { db: AtomicDbInterface; calls: () => number } {
  let calls = 0
  const update: AtomicDbInterface['update'] = (...args) => {
    calls++
    return db.update(...args)
  }
  const proxy = new Proxy(db, {
    get(target, name) {
      const member = Reflect.get(target, name)
      return name === 'update' ? update : typeof member === 'function' ? member.bind(target) : member
    },
  })
  return { db: proxy, calls: () => calls }
}

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

  it('has bounds that are exact in decimal', async () => {
    const key = { pk: pk(), sk: 'decimals' }
    for (const value of [0.1, 0.2, 0.3])
      expect(await increment(open(), key, 'up', 0.1, { max: 0.3 })).toEqual({ applied: true, value })
    expect(await increment(open(), key, 'up', 0.1, { max: 0.3 })).toEqual({ applied: false, value: 0.3 })
    for (const [from, amount, min, value] of [
      [0.3, -0.1, 0.2, 0.2],
      [0.7, -0.6, 0.1, 0.1],
      [1.1, -1e-36, 0, 1.1],
    ] as const) {
      await open().update(key, { set: { down: from } })
      expect(await addWithin(open(), key, 'down', amount, { min })).toEqual({ applied: true, value })
    }
    for (let i = 0; i < 6; i++) await addClamped(open(), key, 'level', 0.07, { max: 0.35 })
    expect((await open().get<{ level: number }>(key))?.data.level).toBe(0.35)
    // The lowest digit of 38 decides.
    const most = 10n ** 37n
    await open().update(key, { set: { wei: most } })
    expect(await addWithin(open(), key, 'wei', 1, { max: most })).toEqual({ applied: false, value: most })
    expect(await addWithin(open(), key, 'wei', -1n, { min: 5n, max: most })).toEqual({
      applied: true,
      value: most - 1n,
    })
    await expect(addWithin(open(), key, 'wei', 0.25, { max: most })).rejects.toMatchObject({
      code: 'InvalidInput',
      field: 'amount',
    })
  })

  it('refuses what is no number at once', async () => {
    const key = { pk: pk(), sk: 'text' }
    await open().set({ ...key, data: { text: 'a', none: null, list: [1], map: { a: 1 } } })
    for (const path of ['text', 'none', 'list', 'map', ''])
      for (const amount of [5, -5, 50]) {
        const { db, calls } = counted(open())
        await expect(addClamped(db, key, path, amount, { min: -10, max: 10 })).rejects.toMatchObject({
          code: 'InvalidInput',
        })
        expect(calls()).toBe(1)
        await expect(decrement(open(), key, path, amount)).rejects.toMatchObject({ code: 'InvalidInput' })
      }
    for (const bad of ['3', null, Number.NaN, Number.POSITIVE_INFINITY, 1e300]) {
      const { db, calls } = counted(open())
      await expect(decrement(db, key, 'n', bad as number)).rejects.toMatchObject({ field: 'by' })
      await expect(increment(db, key, 'n', bad as number)).rejects.toMatchObject({ field: 'amount' })
      await expect(increment(db, key, 'n', 1, { max: bad as number })).rejects.toMatchObject({ field: 'max' })
      await expect(addClamped(db, key, 'n', 1, { min: bad as number })).rejects.toMatchObject({
        field: 'min',
      })
      expect(calls()).toBe(0)
    }
  })

  it('takes field names that every object inherits', async () => {
    const key = { pk: pk(), sk: 'names' }
    for (const name of ['constructor', 'toString', 'hasOwnProperty']) {
      expect(await decrement(open(), key, name, 5)).toEqual({ applied: false, value: 0 })
      expect(await increment(open(), key, name, 7)).toEqual({ applied: true, value: 7 })
      expect(await addClamped(open(), key, name, -9, { min: 0 })).toBe(0)
    }
  })

  it('refuses unknown options, and what is no key or value', async () => {
    const key = { pk: pk(), sk: 'options' }
    const { db, calls } = counted(open())
    const unknown = { limit: 3 } as object
    const item = { ...key, data: 1 }
    const invalid: [() => Promise<unknown>, string][] = [
      [() => addWithin(db, key, 'n', 1, unknown), 'options.limit'],
      [() => increment(db, key, 'n', 1, { maximum: 3 } as object), 'options.maximum'],
      [() => decrement(db, key, 'n', 1, { if: { n: 1 } } as object), 'options.if'],
      [() => addClamped(db, key, 'n', 1, { max: 1, exactlyOnce: true } as object), 'options.exactlyOnce'],
      [() => compareAndSet(db, key, 1, 2, { if: { n: 1 } } as object), 'options.if'],
      [() => compareAndDelete(db, key, 1, { returnOld: true } as object), 'options.returnOld'],
      [() => putIfAbsent(db, item, unknown), 'options.limit'],
      [() => putIfAbsent(db, { ...item, ttlSeconds: 3 } as never), 'item.ttlSeconds'],
      [() => putIfAbsent(db, undefined as never), 'item'],
      [() => allocateBlock(db, key, 1, unknown), 'options.limit'],
      [() => allocateBlock(db, key, 1.5), 'size'],
      [() => reserveUnique(db, 's', item, { a: 'a' }, unknown), 'options.limit'],
      [() => changeUnique(db, 's', item, { a: 'a' }, { a: 'b' }, unknown), 'options.limit'],
      [() => releaseUnique(db, 's', key, { a: 'a' }, unknown), 'options.limit'],
      [() => uniqueOwner(db, 's', 'a', 'a', unknown), 'options.limit'],
      [() => reserveUnique(db, undefined as never, item, { a: 'a' }), 'scope'],
      [() => reserveUnique(db, 's', undefined as never, { a: 'a' }), 'entity'],
      [() => reserveUnique(db, 's', item, { a: 1 } as never), 'values.a.sk'],
      [() => reserveUnique(db, 's', item, null as never), 'values'],
    ]
    for (const [call, field] of invalid)
      await expect(call(), field).rejects.toMatchObject({ code: 'InvalidInput', field })
    expect(calls()).toBe(0)
    expect(await open().get(key)).toBeUndefined()
  })

  it('compares and sets what is shown; unchanged compares decimals to the last digit', async () => {
    const key = { pk: pk(), sk: 'digits' }
    await open().set({ ...key, data: { v: 0.1, text: 'a' } })
    expect(await compareAndSet(open(), key, { v: 0.1, text: 'a' }, { v: 0.3, text: 'b' })).toMatchObject({
      applied: true,
    })
    await open().update(key, { add: { v: 1e-30 } })
    // More digits than a JS number has: read as the nearest one, which is not what is there.
    const read = (await open().get<{ v: number; text: string }>(key))!
    expect(read.data).toEqual({ v: 0.3, text: 'b' })
    expect(await compareAndSet(open(), key, read.data, { v: 1, text: 'c' })).toMatchObject({ applied: false })
    expect(await open().update(key, { set: { v: 1 } }, { if: unchanged(read) })).toMatchObject({
      applied: true,
    })
    expect(await compareAndDelete(open(), key, { v: 1, text: 'b' })).toMatchObject({ applied: true })
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
    // No block beyond the numbers that JS counts exactly.
    await open().set({ ...key, data: Number.MAX_SAFE_INTEGER - 3 })
    await expect(allocateBlock(open(), key, 4)).rejects.toMatchObject({ code: 'InvalidInput' })
    expect(await allocateBlock(open(), key, 3)).toEqual({
      first: Number.MAX_SAFE_INTEGER - 2,
      last: Number.MAX_SAFE_INTEGER,
    })
  })
})
