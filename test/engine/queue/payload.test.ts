import { expect, test } from 'vitest'
import { AtomicEngine } from '../../../src/engine/engine.ts'
import { atomic, exactlyOnce, QueueWorker } from '../../../src/index.ts'
import type { AtomicDbItemKey } from '../../../src/interface.ts'
import { MemoryStorage } from '../../../src/memory/storage.ts'
import { rowBytes } from '../../../src/model/sizes.ts'
import { systemRuntime } from '../../../src/runtime.ts'
import { type Row, type Storage, StorageFault } from '../../../src/storage.ts'

const pk = 'q'
const options = { payloadThreshold: 1024 }
const data = 'x'.repeat(20_000)

/** A database whose rows can be looked at, and whose calls can be made to fail. */
function open() {
  const storage = new MemoryStorage(systemRuntime)
  const rows = new Map<string, Row>()
  const fail: { on?: (call: keyof Storage, keys: AtomicDbItemKey[]) => 'before' | 'after' | undefined } = {}
  const watched = new Proxy(storage, {
    get(target, name: Exclude<keyof Storage, 'batchSizes'>) {
      const call = target[name] as (...all: unknown[]) => Promise<unknown>
      return async (...all: unknown[]) => {
        const given = (name === 'transact' || name === 'write' ? all[0] : [all[0]]) as Record<string, Row>[]
        const keys = given.map(
          (one) => one.put ?? one.row ?? one.delete ?? one.key ?? (one as unknown as Row),
        )
        const when = fail.on?.(name, keys)
        if (when === 'before') throw new StorageFault('unreachable', 'planted')
        const result = await call.apply(target, all)
        for (const key of keys)
          if (key.pk && key.sk) {
            const [row] = await target.read([key])
            if (row) rows.set(`${key.pk}/${key.sk}`, row)
            else rows.delete(`${key.pk}/${key.sk}`)
          }
        if (when === 'after') throw new StorageFault('unknown', 'planted')
        return result
      }
    },
  }) as unknown as Storage
  const db = new AtomicEngine(watched, { retry: { attempts: 2, baseMs: 1 } })
  return { db, rows, fail }
}

const payloads = (rows: Map<string, Row>) => [...rows.keys()].filter((key) => key.includes('#payload#'))

test('claim, extension and release touch a row of less than 1 KB', async () => {
  const { db, rows } = open()
  const [pushed] = await db.queuePush({ pk, data }, options)
  const row = rows.get(`${pk}/${pushed!.sk}`)!
  expect(rowBytes(row)).toBeLessThan(400)
  const { item } = await db.queuePull<string>({ pk })
  expect(item!.data).toBe(data)
  expect(rowBytes(rows.get(`${pk}/${pushed!.sk}`)!)).toBeLessThan(400)
  expect(payloads(rows)).toEqual([`${item!.payloadKey}/#`])
  await db.queueAcknowledge(item!)
  expect([...rows.keys()]).toEqual([])
})

test('our own attributes take 32 bytes of a new message beside the name of its queue, 37 more once it was received', async () => {
  const { db, rows } = open()
  const [pushed] = await db.queuePush({ pk, data: 'x' })
  const key = `${pk}/${pushed!.sk}`
  const own = (row: Row) => rowBytes(row) - pk.length - 'data'.length - 'x'.length
  const before = own(rows.get(key)!)
  await db.queuePull({ pk })
  const after = own(rows.get(key)!)
  expect([before, after - before]).toEqual([32, 37])
})

test('a payload lives a day longer than its message', async () => {
  const { db, rows } = open()
  const at = Math.floor(Date.now() / 1000) + 1000
  const [one, two] = await db.queuePush(
    [
      { pk, data, ttl: at },
      { pk, data },
    ],
    options,
  )
  const ttlOf = (key: string) => rows.get(key)!.ttl!
  expect(ttlOf(`${one!.payloadKey}/#`)).toBe(at + 86_400)
  expect(ttlOf(`${two!.payloadKey}/#`)).toBe(ttlOf(`${pk}/${two!.sk}`) + 86_400)
})

test('a push that was refused, or was the second one, leaves no payload', async () => {
  const { db, rows } = open()
  await db.queuePush({ pk, sk: 'a', data }, options)
  await expect(db.queuePush({ pk, sk: 'a', data }, options)).rejects.toMatchObject({
    code: 'ConditionFailed',
  })
  await db.queuePush({ pk, deduplicationId: 'd', data }, options)
  await db.queuePush({ pk, deduplicationId: 'd', data }, options)
  expect(payloads(rows)).toHaveLength(2)
})

test('whoever acknowledges, and however, the payload goes', async () => {
  const { db, rows } = open()
  const pull = async () => (await db.queuePull({ pk })).item!
  await db.queuePush(
    [
      { pk, data },
      { pk, data },
      { pk, data },
      { pk, data },
    ],
    options,
  )
  await db.queueAcknowledge(await pull())
  const { sk, receipt } = await pull()
  await db.queueAcknowledge({ pk, sk, receipt })
  await atomic(db)
    .queueAcknowledge(await pull())
    .set({ pk: 'a', sk: 'b' })
    .commit()
  await using worker = new QueueWorker(
    db,
    exactlyOnce(db, (tx, item) => tx.set({ pk: 'done', sk: item.sk, data: (item.data as string).length })),
    { pk },
  )
  while (!rows.has([...rows.keys()].find((one) => one.startsWith('done/')) ?? ''))
    await systemRuntime.sleep(5)
  await worker.stop()
  expect(payloads(rows)).toEqual([])
})

test('the push ends between the two writes: no message, and an orphan that expires', async () => {
  const { db, rows, fail } = open()
  fail.on = (call) => (call === 'transact' ? 'before' : undefined)
  await expect(db.queuePush({ pk, data }, options)).rejects.toThrow()
  fail.on = undefined
  expect((await db.queuePull({ pk })).item).toBeUndefined()
  const left = [...rows.values()]
  expect(left.length).toBe(1)
  expect(left[0]!.ttl).toBeLessThanOrEqual(Math.ceil(Date.now() / 1000) + 15 * 24 * 3600)
})

test('the payload cannot be written: no message at all, and nothing is left', async () => {
  const { db, rows, fail } = open()
  fail.on = (call, keys) =>
    call === 'write' && keys.some((key) => key.pk.includes('#payload#') && 'ttl' in key)
      ? 'before'
      : undefined
  await expect(
    db.queuePush(
      [
        { pk, data: '1' },
        { pk, data },
      ],
      options,
    ),
  ).rejects.toThrow()
  fail.on = undefined
  expect([...rows.keys()]).toEqual([])
})

test('a lost reply to the message brings nothing back after it was consumed', async () => {
  const { db, rows, fail } = open()
  let lost = 0
  fail.on = (call) => (call === 'transact' && lost++ === 0 ? 'after' : undefined)
  await db.queuePush({ pk, data }, options)
  expect(lost).toBe(2)
  const { item } = await db.queuePull<string>({ pk })
  await db.queueAcknowledge(item!)
  expect((await db.queuePull({ pk })).item).toBeUndefined()
  expect([...rows.keys()]).toEqual([])
})

test('the acknowledgement ends between the two deletions: done, and an orphan that expires', async () => {
  const { db, rows, fail } = open()
  await db.queuePush({ pk, data }, options)
  const { item } = await db.queuePull<string>({ pk })
  fail.on = (call, keys) => (call === 'write' && keys[0]!.pk === item!.payloadKey ? 'before' : undefined)
  await db.queueAcknowledge(item!)
  expect([...rows.values()].map((row) => row.ttl! > Date.now() / 1000)).toEqual([true])
})

test('a message whose payload somebody deleted is a dead letter, with the reason', async () => {
  const { db } = open()
  const [pushed] = await db.queuePush({ pk, data }, options)
  await db.delete({ pk: pushed!.payloadKey!, sk: '#' })
  expect(await db.queuePull({ pk })).toMatchObject({ dead: [{ pk: `${pk}#dead` }] })
  const [dead] = await db.queuePeek({ pk: `${pk}#dead` })
  expect(dead!.deadLetter!.reason).toBe('its payload is gone')
})

test('just too large for its own row is refused before anything is sent', async () => {
  const { db, rows } = open()
  const tooLarge = { pk, data: 'x'.repeat(400 * 1024 - 60) }
  await expect(db.queuePush([{ pk, data: '1' }, tooLarge], options)).rejects.toThrow(/items\[1\]/)
  expect(rows.size).toBe(0)
})
