import { expect, test } from 'vitest'
import { AtomicEngine } from '../../../src/engine/engine.ts'
import { MemoryStorage } from '../../../src/memory/storage.ts'
import { systemRuntime } from '../../../src/runtime.ts'
import { StorageFault } from '../../../src/storage.ts'

class Watched extends MemoryStorage {
  before = async () => {}
  loseReplies = 0
  override async transact(...given: Parameters<MemoryStorage['transact']>) {
    // Its own transactions come by here too.
    const { before } = this
    this.before = async () => {}
    await before()
    const failed = await super.transact(...given)
    if (this.loseReplies-- > 0) throw new StorageFault('unknown', 'no reply')
    return failed
  }
}

function open() {
  const storage = new Watched(systemRuntime)
  return { storage, db: new AtomicEngine(storage), other: new AtomicEngine(storage) }
}

test('a message that is claimed between look and cancellation stays', async () => {
  const { storage, db, other } = open()
  const [pushed] = await db.queuePush({ pk: 'jobs', data: 1 })
  storage.before = async () => {
    expect((await other.queuePull({ pk: 'jobs' })).item?.sk).toBe(pushed!.sk)
  }
  expect(await db.queueCancel(pushed!)).toBe(false)
  expect(await db.queuePeek({ pk: 'jobs' })).toHaveLength(1)
})

test('a lost reply leaves no doubt: whoever cancelled it is told so', async () => {
  const { storage, db, other } = open()
  const [pushed] = await db.queuePush({ pk: 'jobs', data: 1 })
  storage.loseReplies = 2
  expect(await db.queueCancel(pushed!)).toBe(true)
  expect(await other.queueCancel(pushed!)).toBe(false)
})

test('another message with a key of the caller is not taken for the one that was named by its id', async () => {
  const { storage, db, other } = open()
  await db.queuePush({ pk: 'jobs', sk: 'mine', uniqueId: 'a' })
  storage.before = async () => {
    await other.queueAcknowledge({ pk: 'jobs', sk: 'mine' })
    await other.queuePush({ pk: 'jobs', sk: 'mine', data: 'another' })
  }
  expect(await db.queueCancel({ pk: 'jobs', uniqueId: 'a' })).toBe(false)
  expect((await db.queuePeek({ pk: 'jobs' }))[0]?.data).toBe('another')
})
