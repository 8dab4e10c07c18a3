import { AtomicMemoryDb, deadLetter, Jobs, QueueWorker, queueLambda, retryAt } from 'lockrow'
import { expect, test } from 'vitest'

interface Task {
  n: number
}

function world(options: object = {}) {
  const clock = { now: 1_700_000_000_000 }
  const db = new AtomicMemoryDb({ now: () => clock.now })
  const jobs = new Jobs<Task, unknown>(db, { pk: 'jobs', ...options })
  return { clock, db, jobs }
}

const context = { signal: new AbortController().signal }
const lambda = { getRemainingTimeInMillis: () => 10_000 }

test('a job waits, is handled, and is done with its result, which is kept for a while', async () => {
  const { clock, db, jobs } = world({ keepSeconds: 3600 })
  const [job] = await jobs.push({ data: { n: 1 } })
  expect(await jobs.status(job!)).toEqual({ state: 'waiting', attempts: 0 })
  let during: unknown
  const handler = jobs.handler(async (item, { progress }) => {
    expect(await progress({ done: 1 })).toBe(true)
    during = await jobs.status(item)
    return { twice: 2 * item.data.n }
  })
  const begun = clock.now
  await queueLambda(db, handler, { pk: 'jobs' })({}, lambda)
  expect(during).toEqual({ state: 'active', attempts: 1, at: begun, progress: { done: 1 } })
  expect(await jobs.status(job!)).toEqual({ state: 'done', attempts: 1, at: begun, result: { twice: 2 } })
  expect(await jobs.result(job!, { timeoutMs: 10 })).toEqual({ twice: 2 })
  expect(await db.queuePeek({ pk: 'jobs' })).toEqual([])
  clock.now += 3_601_000
  expect(await jobs.status(job!)).toBeUndefined()
})

test('results of shards, without a value, and in a transaction with other writes', async () => {
  const { db, jobs } = world({ shards: 3 })
  const pushed = await jobs.push([{ data: { n: 1 } }, { data: { n: 2 } }])
  expect(pushed.map(({ pk }) => pk)).toEqual([
    expect.stringMatching('jobs#shard'),
    expect.stringMatching('jobs#shard'),
  ])
  const handler = jobs.exactlyOnce((tx, item) => {
    tx.set({ pk: 'written', sk: item.sk, data: item.data.n })
    return item.data.n === 1 ? undefined : item.data.n
  })
  await queueLambda(db, handler, { pk: 'jobs', shards: 3 })({}, lambda)
  expect(await jobs.result(pushed[0]!, { timeoutMs: 1 })).toBeUndefined()
  expect(await jobs.result(pushed[1]!, { timeoutMs: 1 })).toBe(2)
  expect(await db.query({ pk: 'written' })).toHaveLength(2)
})

test('a job that fails waits with its reason, is dead, and comes back', async () => {
  const { clock, db, jobs } = world()
  const [job] = await jobs.push({ data: { n: 1 } })
  const run = (work: () => unknown) => queueLambda(db, jobs.handler(work), { pk: 'jobs' })({}, lambda)
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
  expect(await db.queueRedrive({ from: 'jobs#dead' })).toBe(1)
  expect(await jobs.status(job!)).toMatchObject({ state: 'waiting', attempts: 0 })
  await run(() => 'at last')
  expect(await jobs.result(job!, { timeoutMs: 1 })).toBe('at last')
})

test('whoever lost the message writes neither progress nor result', async () => {
  const { clock, db, jobs } = world()
  const [job] = await jobs.push({ data: { n: 1 } })
  const slow = (await db.queuePull<Task>({ pk: 'jobs', ttlSeconds: 5 })).item!
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
  const next = (await db.queuePull<Task>({ pk: 'jobs', ttlSeconds: 5 })).item!
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
  const { db, jobs } = world()
  const real = new AtomicMemoryDb()
  const own = new Jobs<Task, string>(real, { pk: 'jobs' })
  const [job] = await own.push({ data: { n: 1 } })
  const result = own.result(job!, { timeoutMs: 60_000 })
  await using _worker = new QueueWorker(
    real,
    own.handler(() => 'here'),
    { pk: 'jobs' },
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
  await expect(jobs.result({ pk: 'jobs', sk: 'none' }, { timeoutMs: 5000 })).rejects.toThrow(/not known/)
  expect((await db.queuePeek({ pk: 'jobs' })).length).toBe(0)
})

test('what cannot be is refused', async () => {
  const { db, jobs } = world()
  for (const wrong of [{}, { pk: 'a', keepSeconds: 5 }, { pk: 'a', keep: 5 }, { pk: 'a', shards: 0 }])
    expect(() => new Jobs(db, wrong as never)).toThrow(expect.objectContaining({ code: 'InvalidInput' }))
  const [job] = await jobs.push({ data: { n: 1 } })
  const pulled = (await db.queuePull<Task>({ pk: 'jobs' })).item!
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
