import { AtomicMemoryDb, atomic } from 'lockrow'
import { expect, test } from 'vitest'

const key = { pk: 'p', sk: 'n' }
const add = (db: AtomicMemoryDb, n: number) => atomic(db).update(key, { add: { n } })

test('under one key once, with other content an error, and under another key again', async () => {
  const db = new AtomicMemoryDb()
  for (let i = 0; i < 3; i++) await add(db, 1).commit({ idempotencyKey: 'order-1' })
  expect((await db.get(key))!.data).toEqual({ n: 1 })
  await expect(add(db, 2).commit({ idempotencyKey: 'order-1' })).rejects.toMatchObject({
    code: 'IdempotencyMismatch',
  })
  await add(db, 2).commit({ idempotencyKey: 'order-2' })
  expect((await db.get(key))!.data).toEqual({ n: 3 })
})

test('a commit that fails leaves its key unused', async () => {
  const db = new AtomicMemoryDb()
  const guarded = () => atomic(db).update(key, { add: { n: 1 } }, { if: { open: true } })
  await expect(guarded().commit({ idempotencyKey: 'k' })).rejects.toMatchObject({ code: 'ConditionFailed' })
  await db.set({ ...key, data: { open: true, n: 0 } })
  await guarded().commit({ idempotencyKey: 'k' })
  expect((await db.get(key))!.data).toEqual({ open: true, n: 1 })
})

test('content is the same whatever the order of its fields, and other by any value or type', async () => {
  const db = new AtomicMemoryDb()
  const set = (data: unknown) =>
    db.transact([{ type: 'set', item: { ...key, data } }], { idempotencyKey: 'content' })
  const content = { a: 2n ** 60n, b: new Set(['x', 'y']), c: [1, { d: new Uint8Array([1]) }], e: 'text' }
  await set(content)
  const same = [
    { e: 'text', c: [1, { d: new Uint8Array([1]) }], b: new Set(['y', 'x']), a: 2n ** 60n },
    { b: content.b, e: 'text', a: 2n ** 60n, c: content.c },
    { c: content.c, a: 2n ** 60n, e: 'text', b: content.b },
  ]
  for (const data of same) await set(data)
  const others = [
    { ...content, a: 2n ** 61n },
    { ...content, a: 1 },
    { ...content, a: `${2n ** 60n}` },
    { ...content, b: ['x', 'y'] },
    { ...content, b: new Set(['x']) },
    { ...content, c: [{ d: new Uint8Array([1]) }, 1] },
    { ...content, c: [1, { d: new Uint8Array([2]) }] },
    { ...content, e: 'texts' },
    { ...content, f: null },
    { a: 2n ** 60n },
    null,
  ]
  for (const data of others)
    await expect(set(data)).rejects.toMatchObject({
      code: 'IdempotencyMismatch',
      message: expect.stringContaining('with other content'),
    })
  expect((await db.get(key))!.data).toEqual(content)
})

test('a retry that reads its locks and messages anew is the same content, and is answered as the first one', async () => {
  const db = new AtomicMemoryDb()
  await db.queuePush({ pk: 'q', sk: 'm', data: 1 })
  const run = async (more: object = {}) => {
    const [locked] = await db.getLocked([{ pk: 'p', sk: 'locked' }])
    const item = { pk: 'q', sk: 'm', receipt: `r${Math.random()}` }
    const { item: pulled } = await db.queuePull({ pk: 'q' })
    return db.transact(
      [
        { type: 'bump', lock: locked!.lock },
        { type: 'queueAcknowledge', item: pulled ?? item },
        { type: 'queuePush', item: { pk: 'other', data: 1, ...more } },
      ] as never,
      { idempotencyKey: 'retry' },
    )
  }
  const first = await run()
  expect(first.pushed).toHaveLength(1)
  const again = await run()
  expect(again.pushed.map(({ sk, enqueuedAt }) => [sk, enqueuedAt])).toEqual(
    first.pushed.map(({ sk, enqueuedAt }) => [sk, enqueuedAt]),
  )
  expect(again.locks.map(({ version }) => version)).toEqual(first.locks.map(({ version }) => version))
  expect((await db.queueStats('other')).ready).toBe(1)
  await expect(run({ delaySeconds: 1 })).rejects.toMatchObject({ code: 'IdempotencyMismatch' })
  await expect(run({ group: 'g' })).rejects.toMatchObject({ code: 'IdempotencyMismatch' })
})

test('a key has 1 to 1000 bytes', async () => {
  const db = new AtomicMemoryDb()
  for (const idempotencyKey of ['', 'x'.repeat(1001), 'ä'.repeat(501), '\ud800', 5, null])
    await expect(add(db, 1).commit({ idempotencyKey } as never)).rejects.toMatchObject({
      code: 'InvalidInput',
      field: expect.stringMatching(/idempotencyKey$/),
      message: expect.stringContaining('1 to 1000 bytes'),
    })
  await add(db, 1).commit({ idempotencyKey: 'x'.repeat(1000) })
  expect((await db.get(key))!.data).toEqual({ n: 1 })
})
