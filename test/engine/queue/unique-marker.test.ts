import type { AtomicDbItemKey } from 'lockrow'
import { beforeEach, expect, test } from 'vitest'
import { AtomicEngine } from '../../../src/engine/engine.ts'
import { MemoryStorage } from '../../../src/memory/storage.ts'
import { systemRuntime } from '../../../src/runtime.ts'
import { type ReadRequestOptions, StorageFault } from '../../../src/storage.ts'

/** Notes what is sent, and can change what is there immediately before or after a transaction. */
class Watched extends MemoryStorage {
  sent: string[] = []
  before = async () => {}
  loseReply = false
  override async transact(...given: Parameters<MemoryStorage['transact']>) {
    this.sent.push(`transact ${given[0].length}`)
    const { before } = this
    this.before = async () => {}
    await before()
    const failed = await super.transact(...given)
    if (!this.loseReply) return failed
    this.loseReply = false
    throw new StorageFault('unknown', 'no reply')
  }
  override read(keys: readonly AtomicDbItemKey[], options?: ReadRequestOptions) {
    const how = options?.consistent === false ? ' eventually' : ''
    this.sent.push(`read ${keys.map(({ pk }) => pk).join()}${how}`)
    return super.read(keys)
  }
}

let storage: Watched
let db: AtomicEngine
let other: AtomicEngine
beforeEach(() => {
  storage = new Watched(systemRuntime)
  db = new AtomicEngine(storage)
  other = new AtomicEngine(storage)
})

const push = async (more = {}, by = db) => (await by.queuePush({ pk: 'jobs', uniqueId: 'a', ...more }))[0]!
const seen = () => storage.sent.splice(0)

test('a first push reads its marker, a second one its message; an acknowledgement touches one row', async () => {
  const first = await push()
  expect(seen()).toEqual(['read jobs#once#a eventually', 'transact 2'])
  expect((await push()).sk).toBe(first.sk)
  expect(seen()).toEqual(['read jobs#once#a eventually', 'read jobs'])
  const { item } = await db.queuePull({ pk: 'jobs' })
  await db.queueAcknowledge(item!)
  expect(seen()).toEqual([])
  expect(await push()).not.toHaveProperty('isDuplicate')
  expect(seen()).toEqual(['read jobs#once#a eventually', 'read jobs', 'transact 2'])
})

test('of two that find a message gone, one takes its marker', async () => {
  await db.queueAcknowledge(await push())
  storage.before = async () => {
    await push({ data: 'faster' }, other)
  }
  const late = await push({ data: 'late' })
  expect(late.isDuplicate).toBe(true)
  expect((await db.queuePeek({ pk: 'jobs' })).map(({ data }) => data)).toEqual(['faster'])
})

test('of two that find no marker, one makes it', async () => {
  storage.before = async () => {
    await push({ data: 'faster' }, other)
  }
  expect((await push()).isDuplicate).toBe(true)
})

test('a message that is gone again meanwhile is no obstacle', async () => {
  storage.before = async () => {
    await db.queueAcknowledge(await push({ data: 'short' }, other))
  }
  expect(await push({ data: 'mine' })).not.toHaveProperty('isDuplicate')
  expect((await db.queuePeek({ pk: 'jobs' })).map(({ data }) => data)).toEqual(['mine'])
})

test('a push whose reply was lost is not its own duplicate', async () => {
  storage.loseReply = true
  expect(await push()).not.toHaveProperty('isDuplicate')
  expect(await db.queuePeek({ pk: 'jobs' })).toHaveLength(1)
})

test('a redrive that comes between look and push takes the marker with a new version', async () => {
  await push({ data: 'dead' })
  const { item } = await db.queuePull({ pk: 'jobs' })
  await db.queueRelease(item!, { deadLetter: 'jobs#dead' })
  storage.before = async () => {
    expect(await other.queueRedrive({ from: 'jobs#dead' })).toBe(1)
  }
  expect((await push({ data: 'late' })).isDuplicate).toBe(true)
  expect((await db.queuePeek({ pk: 'jobs' })).map(({ data }) => data)).toEqual(['dead'])
})

test('a push that comes between look and redrive leaves the dead letter where it is', async () => {
  await push({ data: 'dead' })
  const { item } = await db.queuePull({ pk: 'jobs' })
  await db.queueRelease(item!, { deadLetter: 'jobs#dead' })
  storage.before = async () => {
    await push({ data: 'new' }, other)
  }
  expect(await db.queueRedrive({ from: 'jobs#dead' })).toBe(0)
  expect(await db.queuePeek({ pk: 'jobs#dead' })).toHaveLength(1)
  expect((await db.queuePeek({ pk: 'jobs' })).map(({ data }) => data)).toEqual(['new'])
})

test('an id that others keep taking and leaving is told so', async () => {
  const plain = storage.transact.bind(storage)
  let isOurs = true
  storage.transact = async (...given) => {
    if (isOurs) {
      isOurs = false
      await other.queueAcknowledge(await push({}, other))
      isOurs = true
    }
    return plain(...given)
  }
  await expect(push()).rejects.toMatchObject({
    code: 'RaceCondition',
    message: expect.stringMatching('kept taking'),
  })
  expect(await db.queuePeek({ pk: 'jobs' })).toEqual([])
})
