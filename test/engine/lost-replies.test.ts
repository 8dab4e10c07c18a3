import { TransactionCanceledException } from '@aws-sdk/client-dynamodb'
import { InvalidInput, lockKey, OutcomeUnknown } from 'lockrow'
import { AtomicDynamoDB } from 'lockrow/dynamo'
import { injectFaults } from 'lockrow/testing'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { freshTable, localClient } from '../setup/local.ts'

/** The server applies the request and the reply never comes: what does the caller hear, and what is stored? */
const clients: { destroy(): void }[] = []
let table: string

beforeAll(async () => {
  const client = localClient(inject('dynamoEndpoint'))
  clients.push(client)
  table = await freshTable(client, 'lost')
})
afterAll(() => {
  for (const client of clients) client.destroy()
})

/** A database whose next replies are lost, as many as `lost` says; a rival may act right after each of them. */
function open(lost: { next: number; operation?: string }, rival?: () => Promise<unknown>) {
  const client = localClient(inject('dynamoEndpoint'))
  clients.push(client)
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const result = await next(args)
      const concerned =
        lost.operation === undefined || (context as { commandName?: string }).commandName === lost.operation
      if (lost.next > 0 && concerned) {
        lost.next--
        await rival?.()
        throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
      }
      return result
    },
    { step: 'deserialize', priority: 'low', name: 'lose' },
  )
  return new AtomicDynamoDB(client, table, { retry: { baseMs: 1, maxMs: 3 } })
}

const update = (next: number) => ({ next, operation: 'UpdateItemCommand' })

describe('lost replies', () => {
  it('an update is recognised by its own id and not applied twice', async () => {
    const key = { pk: 'update', sk: 'a' }
    const db = open(update(0))
    await db.set({ ...key, data: { n: 1, list: [] } })
    const lossy = open(update(1))
    expect(await lossy.update(key, { add: { n: 1 }, append: { list: ['x'] } })).toMatchObject({
      applied: true,
      item: { data: { n: 2, list: ['x'] } },
    })
    expect((await db.get(key))?.data).toEqual({ n: 2, list: ['x'] })
    expect(await open(update(1)).update(key, { add: { n: 1 } }, { if: { n: 2 } })).toMatchObject({
      applied: true,
      item: { data: { n: 3 } },
    })
  })

  it('an update that was overwritten since is OutcomeUnknown, and applied once at most', async () => {
    const key = { pk: 'unknown', sk: 'a' }
    const db = open(update(0))
    await db.set({ ...key, data: { n: 1 } })
    const lossy = open(update(1), () => db.update(key, { add: { n: 10 } }))
    const error = await lossy.update(key, { add: { n: 1 } }).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(OutcomeUnknown)
    expect(error).not.toBeInstanceOf(InvalidInput)
    expect(error).toMatchObject({ keys: [key] })
    expect((await db.get(key))?.data).toEqual({ n: 12 })
  })

  it('with exactlyOnce it is certain, whatever happens in between', async () => {
    const key = { pk: 'certain', sk: 'a' }
    const db = open(update(0))
    await db.set({ ...key, data: { n: 1 } })
    const lossy = open({ next: 2, operation: 'TransactWriteItemsCommand' }, () =>
      db.update(key, { add: { n: 10 } }),
    )
    expect(await lossy.update(key, { add: { n: 1 } }, { exactlyOnce: true })).toMatchObject({ applied: true })
    expect((await db.get(key))?.data).toEqual({ n: 22 })
  })

  it('a locked write is applied once and succeeds', async () => {
    const key = { pk: 'locked', sk: 'a' }
    const db = open({ next: 2, operation: 'TransactWriteItemsCommand' })
    const lock = await db.getLock(lockKey(key))
    const [next] = await db.setAtomic({ ...key, data: 1 }, lock)
    expect(await db.getLock(lockKey(key))).toEqual(next)
    expect((await db.get(key))?.data).toBe(1)
  })

  it('every attempt of a transaction carries one token, through lost replies and conflicts', async () => {
    const client = localClient(inject('dynamoEndpoint'))
    clients.push(client)
    const tokens: unknown[] = []
    client.middlewareStack.add(
      (next) => async (args) => {
        const { ClientRequestToken: token } = args.input as { ClientRequestToken?: string }
        if (token === undefined) return next(args)
        tokens.push(token)
        // The first attempt is refused by a conflict, the reply of the second is lost.
        if (tokens.length === 1)
          throw new TransactionCanceledException({
            message: 'refused',
            $metadata: {},
            CancellationReasons: [{ Code: 'TransactionConflict' }, { Code: 'None' }],
          })
        const result = await next(args)
        if (tokens.length === 2) throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
        return result
      },
      { step: 'initialize', name: 'tokens' },
    )
    const db = new AtomicDynamoDB(client, table, { retry: { baseMs: 1, maxMs: 3 } })
    await db.set({ pk: 'token', sk: 'a', data: { n: 1 } })
    await db.transact([
      { type: 'update', key: { pk: 'token', sk: 'a' }, changes: { add: { n: 1 } } },
      { type: 'queuePush', item: { pk: 'token-queue', data: 'job' } },
    ])
    expect(tokens).toHaveLength(3)
    expect(new Set(tokens).size).toBe(1)
    expect((await db.get({ pk: 'token', sk: 'a' }))?.data).toEqual({ n: 2 })
    expect(await db.queueStats('token-queue')).toMatchObject({ ready: 1 })
  })

  it('a lock whose creation went unanswered is ours', async () => {
    const db = open({ next: 1, operation: 'PutItemCommand' })
    const lock = await db.getLock({ pk: 'creation', sk: 'a#lock' })
    expect(await open({ next: 0 }).getLock({ pk: 'creation', sk: 'a#lock' })).toEqual(lock)
  })

  it('a claim whose reply was lost is returned, and an acknowledgement that was applied is success', async () => {
    const queue = { pk: 'claims' }
    await open({ next: 0 }).queuePush({ ...queue, data: 'job' })
    const lost = { next: 1, operation: 'UpdateItemCommand' }
    const db = open(lost)
    const { item } = await db.queuePull(queue)
    expect(item).toMatchObject({ data: 'job', receiveCount: 1 })
    Object.assign(lost, { next: 1, operation: 'DeleteItemCommand' })
    await db.queueAcknowledge(item!)
    expect(await open({ next: 0 }).queueStats('claims')).toMatchObject({ ready: 0, inFlight: 0 })
  })

  it('reads, batches and unconditional writes are simply repeated', async () => {
    const db = open({ next: 6 })
    await db.set({ pk: 'plain', sk: 'a', data: 1 })
    await db.set([
      { pk: 'plain', sk: 'b', data: 2 },
      { pk: 'plain', sk: 'c', data: 3 },
    ])
    expect(await db.query({ pk: 'plain' })).toHaveLength(3)
    await db.delete({ pk: 'plain', sk: 'a' })
    expect(await db.get({ pk: 'plain', sk: 'a' })).toBeUndefined()
  })

  it('a random half of all replies lost: locked increments stay right', async () => {
    // The SDK's own waits would be most of the test.
    const client = localClient(inject('dynamoEndpoint'), { maxAttempts: 1 })
    clients.push(client)
    const faults = injectFaults(client, {
      seed: 11,
      rates: { dropReply: 0.3, reset: 0.1, serverError: 0.1, throttle: 0.1 },
      log: () => {},
    })
    const db = new AtomicDynamoDB(client, table, { retry: { baseMs: 1, maxMs: 3, attempts: 30 } })
    const key = { pk: 'half', sk: 'n' }
    let lock = await db.getLock(lockKey(key))
    for (let i = 1; i <= 15; i++) [lock] = (await db.setAtomic({ ...key, data: i }, lock)) as [typeof lock]
    for (let i = 0; i < 15; i++)
      await db.update({ pk: 'half', sk: 'm' }, { add: { n: 1 } }, { exactlyOnce: true })
    faults.stop()
    expect((await db.get(key))?.data).toBe(15)
    expect((await db.get({ pk: 'half', sk: 'm' }))?.data).toEqual({ n: 15 })
    expect(faults.counts.dropReply).toBeGreaterThan(5)
  })
})
