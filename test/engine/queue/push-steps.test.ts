import { expect, test } from 'vitest'
import { AtomicEngine } from '../../../src/engine/engine.ts'
import { atomic, transaction } from '../../../src/index.ts'
import { MemoryStorage } from '../../../src/memory/storage.ts'
import { systemRuntime } from '../../../src/runtime.ts'
import { StorageFault } from '../../../src/storage.ts'

/** Every reply to a transaction but that of the last try is lost. */
class Forgetful extends MemoryStorage {
  losses = 0
  sizes: number[] = []
  override async transact(...given: Parameters<MemoryStorage['transact']>) {
    this.sizes.push(given[0].length)
    const failed = await super.transact(...given)
    if (this.losses-- > 0) throw new StorageFault('unknown', 'lost')
    return failed
  }
}

function open() {
  const storage = new Forgetful(systemRuntime)
  return {
    storage,
    db: new AtomicEngine(storage, { retry: { baseMs: 0 } }),
    other: new AtomicEngine(storage),
  }
}

const push = (item: object, options = {}) => ({
  type: 'queuePush' as const,
  item: { pk: 'jobs', ...item },
  ...options,
})

test.each([{ uniqueId: 'u' }, { deduplicationId: 'd' }])(
  'a transaction whose reply was lost is no duplicate of itself: %o',
  async (id) => {
    const { storage, db, other } = open()
    storage.losses = 3
    const { pushed } = await db.transact([push({ ...id, data: 1 })])
    expect(pushed[0]?.isDuplicate).toBeUndefined()
    storage.losses = 2
    const { pushed: second } = await other.transact([push({ ...id, data: 2 })])
    expect(second[0]).toMatchObject({ isDuplicate: true, sk: pushed[0]!.sk })
    expect((await db.queuePeek({ pk: 'jobs' })).map(({ data }) => data)).toEqual([1])
  },
)

test('a callback that runs again pushes once', async () => {
  const { db, other } = open()
  let runs = 0
  await transaction(db, async (tx) => {
    await tx.get({ pk: 'a', sk: '1' })
    if (runs++ === 0) await other.set({ pk: 'a', sk: '1', data: 1 })
    const options = { payloadThreshold: 50, shards: 2 }
    tx.queuePush({ pk: 'jobs', data: 'x'.repeat(99), deduplicationId: 'd', uniqueId: 'u' }, options)
    tx.set({ pk: 'a', sk: '2', data: runs })
  })
  expect(runs).toBe(2)
  expect((await db.queuePeek({ pk: 'jobs', shards: 2 })).map(({ data }) => data)).toEqual(['x'.repeat(99)])
  await transaction(db, (tx) => {
    tx.queuePush({ pk: 'jobs', uniqueId: 'u' })
    tx.set({ pk: 'a', sk: '2', data: 'second' })
  })
  expect((await db.get({ pk: 'a', sk: '2' }))?.data).toBe('second')
  expect(await db.queuePeek({ pk: 'jobs', shards: 2 })).toHaveLength(1)
})

test('what is refused in a callback is refused at the call', async () => {
  const { db } = open()
  const refused: object[] = [
    { shards: 0 },
    { payloadThreshold: -1 },
    { deduplicationWindowSeconds: 0.5 },
    { nope: 1 },
  ]
  for (const options of refused)
    await expect(
      transaction(db, (tx) => {
        expect(() => tx.queuePush({ pk: 'jobs' }, options)).toThrow()
      }),
    ).resolves.toBeUndefined()
  expect(() => atomic(db).queuePush({ pk: 'jobs' }, { delaySeconds: 5 } as object)).toThrow(/each message/)
  await expect(
    transaction(db, (tx) => {
      for (let i = 0; i < 34; i++)
        tx.queuePush({ pk: 'jobs', uniqueId: `u${i}`, data: 'xx' }, { payloadThreshold: 1 })
    }),
  ).rejects.toMatchObject({
    code: 'InvalidInput',
    given: expect.stringContaining('rows for payloads and ids'),
  })
})
