import { expect, test } from 'vitest'
import { AtomicEngine } from '../../../src/engine/engine.ts'
import { MemoryStorage } from '../../../src/memory/storage.ts'
import { rowBytes } from '../../../src/model/sizes.ts'
import { systemRuntime } from '../../../src/runtime.ts'
import type { Row } from '../../../src/storage.ts'

/** Notes how many rows each transaction has. */
class Counted extends MemoryStorage {
  readonly sizes: number[] = []
  override transact(...given: Parameters<MemoryStorage['transact']>) {
    this.sizes.push(given[0].length)
    return super.transact(...given)
  }
}

function open() {
  const storage = new Counted(systemRuntime)
  return { storage, db: new AtomicEngine(storage) }
}

const messages = (count: number, more: object = {}) =>
  Array.from({ length: count }, (_, i) => ({ pk: 'jobs', data: i, ...more }))

test('pushes of many messages are transactions of a hundred rows each', async () => {
  const { storage, db } = open()
  await db.queuePush(messages(250), { exactlyOnce: true })
  expect(storage.sizes).toEqual([100, 100, 50])
  expect((await db.queueStats('jobs')).ready).toBe(250)
})

test('a message with an id has a row for it', async () => {
  const { storage, db } = open()
  const marked = messages(120).map((message, i) => ({ ...message, deduplicationId: `id${i}` }))
  await db.queuePush(marked, { exactlyOnce: true })
  expect(storage.sizes).toEqual([100, 100, 40])
  await db.queuePush(marked.slice(0, 3), { exactlyOnce: true })
  expect((await db.queueStats('jobs')).ready).toBe(120)
})

test('and of four megabytes', async () => {
  const { storage, db } = open()
  await db.queuePush(messages(25, { data: 'x'.repeat(390_000) }), { exactlyOnce: true })
  expect(storage.sizes).toEqual([10, 10, 5])
})

test('and of exactly four megabytes at most, markers counted', async () => {
  const { storage, db } = open()
  const written: Row[] = []
  const transact = storage.transact.bind(storage)
  storage.transact = (operations, token) => {
    for (const operation of operations) if (operation.op === 'put') written.push(operation.row)
    return transact(operations, token)
  }
  const push = (last: number, more = {}) => {
    storage.sizes.length = 0
    const fill = [...Array.from({ length: 9 }, () => 400_000), last]
    return db.queuePush(
      fill.map((bytes, i) => ({ pk: 'jobs', data: 'x'.repeat(bytes - overhead), ...(i === 0 && more) })),
      { exactlyOnce: true },
    )
  }
  await db.queuePush({ pk: 'jobs', data: 'x'.repeat(1000) }, { exactlyOnce: true })
  const overhead = rowBytes(written[0]!) - 1000
  await push(400_000)
  expect(storage.sizes).toEqual([10])
  await push(400_001)
  expect(storage.sizes).toEqual([9, 1])
  await push(400_000, { deduplicationId: 'one' })
  expect(storage.sizes).toEqual([10, 1])
})
