import { lockKey, type PartialWrite, RaceCondition } from 'lockrow'
import { AtomicDynamoDB, type AtomicDynamoDBOptions } from 'lockrow/dynamo'
import { injectFaults, type SdkFaultRates } from 'lockrow/testing'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { freshTable, localClient } from '../setup/local.ts'

/** What the reference implementation gets wrong against the real service, each as a test that passes here. */
const clients: { destroy(): void }[] = []
let table: string

function open(rates: SdkFaultRates = {}, options: AtomicDynamoDBOptions = {}, seed = 1) {
  // The SDK's own waits would be most of the test.
  const client = localClient(inject('dynamoEndpoint'), { maxAttempts: 1 })
  clients.push(client)
  const faults = injectFaults(client, { seed, rates, maxDelayMs: 2, log: () => {} })
  return {
    db: new AtomicDynamoDB(client, table, { retry: { baseMs: 1, maxMs: 5 }, ...options }),
    faults,
    client,
  }
}

beforeAll(async () => {
  const client = localClient(inject('dynamoEndpoint'))
  clients.push(client)
  table = await freshTable(client, 'known')
})
afterAll(() => {
  for (const client of clients) client.destroy()
})

const many = (pk: string, count: number) =>
  Array.from({ length: count }, (_, i) => ({ pk, sk: `i${String(i).padStart(3, '0')}`, data: i }))

describe('known failures of the reference implementation', () => {
  it('unprocessed entries of a batch are not lost', async () => {
    const { db, faults } = open({ partialBatch: 0.8 })
    const items = many('unprocessed', 130)
    await db.set(items)
    const found = await db.getMany(items)
    expect(found.map((item) => item?.data)).toEqual(items.map((item) => item.data))
    await db.delete(items)
    expect(await db.query({ pk: 'unprocessed' })).toEqual([])
    expect(faults.counts.partialBatch).toBeGreaterThan(5)
  })

  it('a batch that cannot be written whole says what was not written', async () => {
    const { db, client } = open({}, { retry: { attempts: 3, baseMs: 1, maxMs: 2 } })
    // Leaves the second half of every batch undone, for ever.
    client.middlewareStack.add(
      ((next: (args: unknown) => Promise<{ output: Record<string, unknown> }>) =>
        async (args: { input: { RequestItems?: Record<string, unknown[]> } }) => {
          const requests = args.input.RequestItems?.[table]
          if (!requests) return next(args)
          const done = requests.filter((request) => !JSON.stringify(request).includes('stuck'))
          const result =
            done.length > 0
              ? await next({ ...args, input: { RequestItems: { [table]: done } } })
              : { response: {}, output: { $metadata: {} } as Record<string, unknown> }
          result.output.UnprocessedItems = { [table]: requests.filter((request) => !done.includes(request)) }
          return result
        }) as never,
      { step: 'initialize', name: 'stuck' },
    )
    const items = [
      ...many('partial', 40),
      { pk: 'partial', sk: 'stuck-1', data: 1 },
      { pk: 'partial', sk: 'stuck-2', data: 2 },
    ]
    const error = (await db.set(items).catch((caught: unknown) => caught)) as PartialWrite
    expect(error.code).toBe('PartialWrite')
    expect(error.keys.map(({ sk }) => sk).sort()).toEqual(['stuck-1', 'stuck-2'])
    expect(await db.query({ pk: 'partial' })).toHaveLength(40)
  })

  it('stream goes on after the first page of 1 MB, and query honours reverse and limit', async () => {
    const { db } = open()
    await db.set(many('pages', 40).map((item) => ({ ...item, data: 'x'.repeat(60_000) })))
    let count = 0
    for await (const _ of db.stream({ pk: 'pages' })) count++
    expect(count).toBe(40)
    expect((await db.query({ pk: 'pages', reverse: true, limit: 3 })).map(({ sk }) => sk)).toEqual([
      'i039',
      'i038',
      'i037',
    ])
  })

  it('a destroyed stream stops paging, and reads one page ahead at most', async () => {
    const { db, client } = open()
    await db.set(many('destroyed', 100).map((item) => ({ ...item, data: 'x'.repeat(60_000) })))
    let requests = 0
    client.middlewareStack.add(
      (next) => (args) => {
        requests++
        return next(args)
      },
      { step: 'build', name: 'count' },
    )
    for await (const _ of db.stream({ pk: 'destroyed' })) break
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(requests).toBeLessThanOrEqual(2)
  })

  it('more than 100 rows are deleted', async () => {
    const { db } = open()
    const items = many('deletes', 260)
    await db.set(items)
    await db.delete(items)
    expect(await db.query({ pk: 'deletes' })).toEqual([])
  })

  it('throttling and transaction conflicts are never a RaceCondition', async () => {
    const { db, faults } = open(
      { throttle: 0.3, conflict: 0.3 },
      { retry: { attempts: 50, baseMs: 1, maxMs: 3 } },
    )
    const key = { pk: 'throttled', sk: 'a' }
    let lock = await db.getLock(lockKey(key))
    for (let i = 0; i < 20; i++) [lock] = (await db.setAtomic({ ...key, data: i }, lock)) as [typeof lock]
    expect((await db.get(key))?.data).toBe(19)
    expect(faults.counts.throttle).toBeGreaterThan(2)
    expect(faults.counts.conflict).toBeGreaterThan(2)
    const { db: refused } = open({ throttle: 1 }, { retry: { attempts: 2, baseMs: 1 } })
    await expect(refused.setAtomic({ ...key, data: 99 }, lock)).rejects.toMatchObject({ code: 'Throttled' })
    await expect(refused.get(key)).rejects.toMatchObject({ code: 'Throttled' })
  })

  it('an AWS client is left as it was given', async () => {
    const { db, client } = open()
    const before = { ...client.config } as { translateConfig?: unknown }
    await db.get({ pk: 'a', sk: 'b' })
    expect((client.config as { translateConfig?: unknown }).translateConfig).toBe(before.translateConfig)
  })

  it('320 concurrent increments of one item through locks from 8 clients: the sum is right', {
    timeout: 120_000,
  }, async () => {
    const key = { pk: 'increments', sk: 'counter' }
    const increment = async (db: AtomicDynamoDB) => {
      for (;;) {
        const lock = await db.getLock(lockKey(key))
        const item = await db.get<number>(key)
        try {
          await db.setAtomic({ ...key, data: (item?.data ?? 0) + 1 }, lock)
          return
        } catch (error) {
          if (!(error instanceof RaceCondition)) throw error
          await db.runtime.sleep(db.runtime.random() * 40)
        }
      }
    }
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        const { db } = open()
        for (let i = 0; i < 40; i++) await increment(db)
      }),
    )
    expect((await open().db.get(key))?.data).toBe(320)
  })
})
