import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import {
  type AtomicDbInterface,
  AtomicMemoryDb,
  deadLetter,
  Jobs,
  QueueWorker,
  queueLambda,
  retryAt,
} from 'lockrow'
import { AtomicDynamoDB } from 'lockrow/dynamo'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { systemRuntime } from '../../src/runtime.ts'
import { dropTable, freshTable, localClient } from '../setup/local.ts'

interface Task {
  n: number
}

type Open = (now: () => number) => AtomicDbInterface

const context = { signal: new AbortController().signal }
const lambda = { getRemainingTimeInMillis: () => 10_000 }
let worlds = 0

describe('twin', () => jobsOn((now) => new AtomicMemoryDb({ now })))

describe('DynamoDB Local', () => {
  let client: DynamoDBClient
  let table: string
  beforeAll(async () => {
    client = localClient(inject('dynamoEndpoint'))
    table = await freshTable(client)
  })
  afterAll(async () => {
    await dropTable(client, table)
    client.destroy()
  })
  jobsOn((now) => new AtomicDynamoDB(client, table, { runtime: { ...systemRuntime, now } }))
})

function jobsOn(open: Open): void {
  function world(options: object = {}) {
    const clock = { now: Date.now() }
    const db = open(() => clock.now)
    const pk = `jobs-${++worlds}`
    const jobs = new Jobs<Task, unknown>(db, { pk, ...options })
    return { clock, db, jobs, pk }
  }

  test('a job waits, is handled, and is done with its result, which is kept for a while', async () => {
    const { clock, db, jobs, pk } = world({ keepSeconds: 3600 })
    const [job] = await jobs.push({ data: { n: 1 } })
    expect(await jobs.status(job!)).toEqual({ state: 'waiting', attempts: 0 })
    let during: unknown
    const handler = jobs.handler(async (item, { progress }) => {
      expect(await progress({ done: 1 })).toBe(true)
      during = await jobs.status(item)
      return { twice: 2 * item.data.n }
    })
    const begun = clock.now
    await queueLambda(db, handler, { pk })({}, lambda)
    expect(during).toEqual({ state: 'active', attempts: 1, at: begun, progress: { done: 1 } })
    expect(await jobs.status(job!)).toEqual({ state: 'done', attempts: 1, at: begun, result: { twice: 2 } })
    expect(await jobs.result(job!, { timeoutMs: 10 })).toEqual({ twice: 2 })
    expect(await db.queuePeek({ pk })).toEqual([])
    clock.now += 3_601_000
    expect(await jobs.status(job!)).toBeUndefined()
  })

  test('results of shards, without a value, and in a transaction with other writes', async () => {
    const { db, jobs, pk } = world({ shards: 3 })
    const pushed = await jobs.push([{ data: { n: 1 } }, { data: { n: 2 } }])
    expect(pushed.map(({ pk }) => pk)).toEqual([
      expect.stringMatching(`${pk}#shard`),
      expect.stringMatching(`${pk}#shard`),
    ])
    const handler = jobs.exactlyOnce((tx, item) => {
      tx.set({ pk: `${pk}-written`, sk: item.sk, data: item.data.n })
      return item.data.n === 1 ? undefined : item.data.n
    })
    await queueLambda(db, handler, { pk, shards: 3 })({}, lambda)
    expect(await jobs.result(pushed[0]!, { timeoutMs: 1 })).toBeUndefined()
    expect(await jobs.result(pushed[1]!, { timeoutMs: 1 })).toBe(2)
    expect(await db.query({ pk: `${pk}-written` })).toHaveLength(2)
  })

  test('a job that fails waits with its reason, is dead, and comes back', async () => {
    const { clock, db, jobs, pk } = world()
    const [job] = await jobs.push({ data: { n: 1 } })
    const run = (work: () => unknown) => queueLambda(db, jobs.handler(work), { pk })({}, lambda)
    await run(() => retryAt(clock.now + 1000, 'too early'))
    expect(await jobs.status(job!)).toMatchObject({
      state: 'waiting',
      attempts: 1,
      reason: expect.stringMatching('too early'),
    })
    clock.now += 2000
    await run(() => deadLetter('cannot be'))
    expect(await jobs.status(job!)).toMatchObject({
      state: 'dead',
      attempts: 2,
      reason: expect.stringMatching('cannot be'),
    })
    await expect(jobs.result(job!, { timeoutMs: 5000 })).rejects.toMatchObject({
      code: 'JobFailed',
      status: { state: 'dead' },
    })
    expect(await db.queueRedrive({ from: `${pk}#dead` })).toBe(1)
    expect(await jobs.status(job!)).toMatchObject({ state: 'waiting', attempts: 0 })
    await run(() => 'at last')
    expect(await jobs.result(job!, { timeoutMs: 1 })).toBe('at last')
  })

  test('whoever lost the message writes neither progress nor result', async () => {
    const { clock, db, jobs, pk } = world()
    const [job] = await jobs.push({ data: { n: 1 } })
    const slow = (await db.queuePull<Task>({ pk, ttlSeconds: 5 })).item!
    let report: ((value: unknown) => Promise<boolean>) | undefined
    let finish = () => {}
    const until = new Promise<void>((resolve) => {
      finish = resolve
    })
    const late = jobs.handler(async (_, { progress }) => {
      report = progress
      await until
      return 'late'
    })(slow, context as never)
    await expect.poll(() => report).toBeDefined()
    clock.now += 10_000
    const next = (await db.queuePull<Task>({ pk, ttlSeconds: 5 })).item!
    await jobs.handler(async (_, { progress }) => {
      expect(await progress('mine')).toBe(true)
      expect(await report!('late')).toBe(false)
      expect((await jobs.status(job!))?.progress).toBe('mine')
      finish()
      await expect(late).rejects.toMatchObject({ code: 'StaleReceipt' })
      return 'mine'
    })(next, context as never)
    expect(await jobs.result(job!, { timeoutMs: 1 })).toBe('mine')
    expect(await report!('much later')).toBe(false)
    expect((await jobs.status(job!))?.state).toBe('done')
  })

  test('waiting for a result ends at once within the process, and in time without one', async () => {
    const { db, jobs, pk } = world()
    const real = open(() => Date.now())
    const own = new Jobs<Task, string>(real, { pk: `${pk}-own` })
    const [job] = await own.push({ data: { n: 1 } })
    const result = own.result(job!, { timeoutMs: 60_000 })
    await using _worker = new QueueWorker(
      real,
      own.handler(() => 'here'),
      { pk: `${pk}-own` },
    )
    expect(await result).toBe('here')
    const [other] = await jobs.push({ data: { n: 1 } })
    await expect(jobs.result(other!, { timeoutMs: 5 })).rejects.toMatchObject({
      code: 'JobFailed',
      status: { state: 'waiting' },
    })
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(jobs.result(other!, { timeoutMs: 5000, signal })).rejects.toThrow('enough')
    expect(await jobs.cancel(other!)).toBe(true)
    expect(await jobs.cancel(other!)).toBe(false)
    expect(await jobs.status(other!)).toMatchObject({ state: 'cancelled' })
    await expect(jobs.result(other!, { timeoutMs: 5000 })).rejects.toMatchObject({
      status: { state: 'cancelled' },
    })
    await expect(jobs.result({ pk, sk: 'none' }, { timeoutMs: 5000 })).rejects.toThrow(/not known/)
    expect((await db.queuePeek({ pk })).length).toBe(0)
  })

  test('what cannot be is refused', async () => {
    const { db, jobs, pk } = world()
    for (const wrong of [{}, { pk: 'a', keepSeconds: 5 }, { pk: 'a', keep: 5 }, { pk: 'a', shards: 0 }])
      expect(() => new Jobs(db, wrong as never)).toThrow(expect.objectContaining({ code: 'InvalidInput' }))
    const [job] = await jobs.push({ data: { n: 1 } })
    const pulled = (await db.queuePull<Task>({ pk })).item!
    const returning = (value: unknown) => jobs.handler(() => value)(pulled, context as never)
    await expect(returning('x'.repeat(410_000))).rejects.toMatchObject({
      code: 'InvalidInput',
      field: 'result',
    })
    await expect(returning(() => {})).rejects.toMatchObject({ code: 'InvalidInput' })
    const reporting = jobs.handler((_, { progress }) => progress('x'.repeat(1100)))(pulled, context as never)
    await expect(reporting).rejects.toMatchObject({ code: 'InvalidInput', field: 'progress' })
    expect((await jobs.status(job!))?.state).toBe('active')
    await expect(jobs.push({ data: { n: 1 }, deduplicationId: 'a' } as never)).rejects.toMatchObject({
      code: 'InvalidInput',
    })
    await expect(jobs.result(job!, {} as never)).rejects.toMatchObject({ field: 'timeoutMs' })
  })

  test('a job with a uniqueId is the one that is there', async () => {
    const { jobs } = world()
    const [first] = await jobs.push({ data: { n: 1 }, uniqueId: 'sync' })
    const [second] = await jobs.push({ data: { n: 2 }, uniqueId: 'sync' })
    expect(second).toMatchObject({ isDuplicate: true, sk: first!.sk })
    expect(await jobs.status(second!)).toMatchObject({ state: 'waiting' })
  })

  test('a process that dies in the middle of a cancellation leaves no job of which nothing is known', async () => {
    const { db, jobs, pk } = world()
    const [job] = await jobs.push({ data: { n: 1 } })
    const dying = new Proxy(db, {
      get(target, name: keyof AtomicDbInterface) {
        if (name === 'queueCancel')
          return async (...args: Parameters<AtomicDbInterface['queueCancel']>) => {
            await target.queueCancel(...args)
            throw new Error('gone')
          }
        const value = target[name]
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    await expect(new Jobs(dying, { pk }).cancel(job!)).rejects.toThrow('gone')
    expect(await jobs.status(job!)).toMatchObject({ state: 'cancelled' })
  })

  test('one that is handled is not cancelled, and keeps its progress', async () => {
    const { db, jobs, pk } = world()
    const [job] = await jobs.push({ data: { n: 1 } })
    const handler = jobs.handler(async (_, { progress }) => {
      await progress(7)
      expect(await jobs.cancel(job!)).toBe(false)
      expect(await jobs.status(job!)).toMatchObject({ state: 'active', progress: 7 })
    })
    await queueLambda(db, handler, { pk })({}, lambda)
    expect(await jobs.status(job!)).toMatchObject({ state: 'done' })
    expect(await jobs.cancel(job!)).toBe(false)
  })

  test('a handler whose clock is behind that of the one before is not told that the job is lost', async () => {
    const { clock, db, jobs, pk } = world()
    const [job] = await jobs.push({ data: { n: 1 } })
    const first = (await db.queuePull<Task>({ pk })).item!
    await jobs.handler(async (_, { progress }) => {
      await progress('first')
      return retryAt(0)
    })(first, context as never)
    await db.queueRelease(first)
    clock.now -= 5000
    const next = (await db.queuePull<Task>({ pk })).item!
    await jobs.handler(async (_, { progress }) => {
      expect(await jobs.status(job!)).toEqual({ state: 'active', attempts: 2, at: clock.now })
      expect(await progress('next')).toBe(true)
      expect(await jobs.status(job!)).toMatchObject({ progress: 'next' })
    })(next, context as never)
    expect(await jobs.status(job!)).toMatchObject({ state: 'done', attempts: 2 })
  })

  test('a job that is handled for longer than it is kept is still asked about', async () => {
    const { clock, db, jobs, pk } = world({ keepSeconds: 600 })
    const [job] = await jobs.push({ data: { n: 1 } })
    const item = (await db.queuePull<Task>({ pk, ttlSeconds: 7200 })).item!
    await jobs.handler(async (_, { progress }) => {
      for (const done of [1, 2]) {
        clock.now += 500_000 * done
        expect(await progress(done)).toBe(true)
        expect(await jobs.status(job!)).toMatchObject({ state: 'active', progress: done })
      }
    })(item, context as never)
    expect(await jobs.status(job!)).toMatchObject({ state: 'done' })
  })

  test('a dead letter of another queue is not taken for the job', async () => {
    const { db, jobs, pk } = world({ deadLetter: `letters-${worlds + 1}` })
    const letters = `letters-${worlds}`
    const sk = 'same'
    await jobs.push({ sk, data: { n: 1 } })
    await db.queuePush({ pk: `${pk}-other`, sk, data: 1 })
    const other = (await db.queuePull({ pk: `${pk}-other` })).item!
    await db.queueRelease(other, { deadLetter: letters, reason: 'theirs' })
    await db.queuePurge(pk)
    expect(await jobs.status({ pk, sk })).toBeUndefined()
  })

  test('waiting ends when it is told to, and says what it waited for', async () => {
    const { jobs } = world()
    const [job] = await jobs.push({ data: { n: 1 } })
    const controller = new AbortController()
    const waiting = jobs.result(job!, { timeoutMs: 600_000, signal: controller.signal })
    await jobs.status(job!)
    controller.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    await expect(jobs.result(job!, { timeoutMs: 1 })).rejects.toThrow('the job is waiting after 1 ms')
  })

  test('names that would be those of other rows, or too long for a result, are refused at the push', async () => {
    const { db, jobs } = world()
    expect(() => new Jobs(db, { pk: 'a#job#b' })).toThrow(expect.objectContaining({ field: 'pk' }))
    const long = new Jobs(db, { pk: 'p'.repeat(1500) })
    await expect((async () => long.push({ sk: 's'.repeat(1000), data: 1 }))()).rejects.toMatchObject({
      code: 'InvalidInput',
    })
    await expect(jobs.cancel({ pk: '', sk: 'a' })).rejects.toMatchObject({ code: 'InvalidInput' })
  })
}
