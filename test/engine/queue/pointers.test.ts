import { describe, expect, test } from 'vitest'
import { AtomicEngine } from '../../../src/engine/engine.ts'
import { pointerFor } from '../../../src/engine/queue/pointers.ts'
import type { AtomicDbInterface } from '../../../src/interface.ts'
import { MemoryStorage } from '../../../src/memory/storage.ts'
import { isMessage } from '../../../src/model/message-row.ts'
import { systemRuntime } from '../../../src/runtime.ts'
import { type Row, type Storage, StorageFault } from '../../../src/storage.ts'

/** A database, and every row that it writes, in order: messages and pointers. */
function open() {
  const memory = new MemoryStorage(systemRuntime)
  const written: string[] = []
  const note = (row: Row) => {
    if (isMessage(row)) written.push(`message ${row.pk.replace(/shard\d/, 'shardN')}`)
  }
  const storage: Storage = {
    read: (keys) => memory.read(keys),
    readTogether: (keys) => memory.readTogether(keys),
    page: (range) => memory.page(range),
    scan: (scan) => memory.scan(scan),
    write: (writes) => {
      for (const one of writes) if ('put' in one) note(one.put)
      return memory.write(writes)
    },
    apply: (operation) => {
      if (operation.op === 'update' && operation.key.pk.endsWith('#work'))
        written.push(`pointer ${operation.key.pk} ${operation.key.sk.replace(/\d$/, 'N')}`)
      if (operation.op === 'put') note(operation.row)
      return memory.apply(operation)
    },
    transact: (operations, token) => {
      for (const one of operations) if (one.op === 'put') note(one.row)
      return memory.transact(operations, token)
    },
  }
  return { db: new AtomicEngine(storage), written }
}

const toShard = ['pointer jobs#work p#N', 'message jobs#shardN']
const toFamily = ['pointer mails/#work p#mails/c', 'message mails/c']
const inFamily = { pk: 'mails/c', family: 'mails/' }

describe('what brings a message to a shard or to a queue of a family makes sure of its pointer before', () => {
  const ways: [string, string[], (db: AtomicDbInterface) => Promise<unknown>][] = [
    ['a push', toShard, (db) => db.queuePush({ pk: 'jobs' }, { shards: 8 })],
    ['a push of several', toFamily, (db) => db.queuePush([inFamily])],
    ['a push to a shard by its name', toShard, (db) => db.queuePush({ pk: 'jobs#shard3' })],
    ['exactlyOnce', toShard, (db) => db.queuePush({ pk: 'jobs' }, { shards: 8, exactlyOnce: true })],
    ['an sk', toFamily, (db) => db.queuePush({ ...inFamily, sk: 'mine' })],
    ['an id', toFamily, (db) => db.queuePush({ ...inFamily, deduplicationId: 'a' })],
    [
      'a payload',
      toFamily,
      (db) => db.queuePush({ ...inFamily, data: 'x'.repeat(99) }, { payloadThreshold: 9 }),
    ],
    ['a delay', toShard, (db) => db.queuePush({ pk: 'jobs', delaySeconds: 5, group: 'g' }, { shards: 8 })],
    ['a transaction', toFamily, (db) => db.transact([{ type: 'queuePush', item: inFamily }])],
    [
      'a transaction over shards',
      toShard,
      (db) => db.transact([{ type: 'queuePush', item: { pk: 'jobs' }, shards: 8 }]),
    ],
    [
      'a transaction with the name of a shard',
      toShard,
      (db) => db.transact([{ type: 'queuePush', item: { pk: 'jobs#shard1' } }]),
    ],
  ]
  test.each(ways)('%s', async (_, expected, push) => {
    const { db, written } = open()
    await push(db)
    expect(written).toEqual(expected)
  })

  const pulled = async (db: AtomicDbInterface, pk: string) => {
    const { item } = await db.queuePull({ pk })
    await db.queueRelease(item!, { deadLetter: 'dead' })
  }

  test('a redrive, to a shard', async () => {
    const { db, written } = open()
    await db.queuePush({ pk: 'jobs' })
    await pulled(db, 'jobs')
    await db.queueRedrive({ from: 'dead', shards: 4 })
    expect(written).toEqual(['message jobs', 'message dead', ...toShard])
  })

  test('a redrive, to a queue of a family: messages know their family', async () => {
    const { db, written } = open()
    await db.queuePush({ ...inFamily, pk: 'mails/b' })
    await pulled(db, 'mails/b')
    written.length = 0
    await db.queueRedrive({ from: 'dead' })
    // The pointer that was raised before is relied on.
    expect(written).toEqual(['message mails/b'])
    await pulled(db, 'mails/b')
    written.length = 0
    await db.queueRedrive({ from: 'dead', to: 'mails/c' })
    expect(written).toEqual(toFamily)
    await pulled(db, 'mails/c')
    written.length = 0
    await db.queueRedrive({ from: 'dead', to: 'elsewhere' })
    const [message] = await db.queuePeek({ pk: 'elsewhere' })
    expect([written, message?.family]).toEqual([['message elsewhere'], undefined])
    await pulled(db, 'elsewhere')
    written.length = 0
    await db.queueRedrive({ from: 'dead', to: 'other/c', family: 'other/' })
    expect(written).toEqual(['pointer other/#work p#other/c', 'message other/c'])
  })
})

test('a queue by itself, its dead letters and those of a family need no pointer', () => {
  expect(pointerFor({ pk: 'jobs', sk: '1' })).toBeUndefined()
  const dl = { from: 'mails/c', reason: 'x', at: 1, receives: 1 }
  expect(pointerFor({ pk: 'mails/#dead', sk: '1', f: 'mails/', dl })).toBeUndefined()
})

test('a message shows its family, and one that was read can be pushed as it is', async () => {
  const { db } = open()
  const [message] = await db.queuePush({ ...inFamily, data: 1 })
  expect(message).toMatchObject(inFamily)
  expect((await db.queuePull({ pk: 'mails/c' })).item).toMatchObject(inFamily)
})

test.each([
  [{ pk: 'mails/c', family: '' }, 'family'],
  [{ pk: 'mails/c', family: 7 as never }, 'family'],
  [{ pk: 'mails/c', family: 'jobs/' }, 'family'],
  [{ pk: 'mails/', family: 'mails/' }, 'family'],
  [{ pk: 'mails/#work', family: 'mails/' }, 'pk'],
  [{ pk: 'mails/c#shard1', family: 'mails/' }, 'pk'],
  [{ pk: `mails/${'c'.repeat(1100)}`, family: 'mails/' }, /family/],
])('a family that a queue cannot belong to is refused: %j', async (item, field) => {
  const { db, written } = open()
  const refused = { code: 'InvalidInput', field: expect.stringMatching(field) }
  await expect(db.queuePush(item)).rejects.toMatchObject(refused)
  await expect(db.queuePush(inFamily, { shards: 3 })).rejects.toMatchObject({ field: 'shards' })
  await expect(db.queueRedrive({ from: 'dead', to: 'x', family: 'y' })).rejects.toMatchObject({
    field: 'family',
  })
  expect(written).toEqual([])
})

test('a push whose pointer gets no answer was not sent, and says so', async () => {
  const memory = new MemoryStorage(systemRuntime)
  const apply: Storage['apply'] = async (operation) => {
    if ('key' in operation && operation.key.pk.endsWith('#work')) throw new StorageFault('unknown', 'lost')
    return memory.apply(operation)
  }
  const storage = new Proxy(memory, {
    get: (of, name) =>
      name === 'apply' ? apply : (Reflect.get(of, name).bind?.(of) ?? Reflect.get(of, name)),
  }) as unknown as Storage
  const db = new AtomicEngine(storage, { retry: { baseMs: 0, attempts: 3 } })
  await expect(db.queuePush({ pk: 'jobs' }, { shards: 2 })).rejects.toMatchObject({ code: 'BackendError' })
  await expect(db.transact([{ type: 'queuePush', item: { pk: 'jobs' }, shards: 2 }])).rejects.toMatchObject({
    code: 'BackendError',
  })
  expect(await db.queuePeek({ pk: 'jobs', shards: 2 })).toEqual([])
})
