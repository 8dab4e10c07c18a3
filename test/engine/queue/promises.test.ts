import { expect, test } from 'vitest'
import { newContext } from '../../../src/engine/context.ts'
import { ensurePromised, underPromises } from '../../../src/engine/queue/promises.ts'
import { MemoryStorage } from '../../../src/memory/storage.ts'
import { graceMs, hasEnded, marginMs, promiseMs } from '../../../src/model/promise-clock.ts'
import { type Runtime, systemRuntime } from '../../../src/runtime.ts'
import { type RequestOptions, type Row, type Storage, StorageFault } from '../../../src/storage.ts'

const key = { pk: 'jobs', sk: '~control' }
const start = 1_800_000_000_000

/** A table with a clock, and processes that see its requests. */
function world() {
  const clock = { wall: start, monotonic: 0 }
  const runtime: Runtime = {
    ...systemRuntime,
    now: () => clock.wall,
    monotonic: () => clock.monotonic,
    sleep: async () => {},
  }
  const pass = (ms: number) => {
    clock.wall += ms
    clock.monotonic += ms
  }
  const memory = new MemoryStorage(runtime)
  const process = (on: (name: string) => 'before' | 'after' | undefined = () => undefined) => {
    const sent: string[] = []
    const request =
      <A extends unknown[], T>(name: string, call: (...all: A) => Promise<T>) =>
      async (...all: A): Promise<T> => {
        const options = all.at(-1) as RequestOptions
        const fault = on(name)
        options.beforeSending?.()
        sent.push(name)
        if (fault === 'before') throw new StorageFault('throttled', 'planted')
        const result = await call(...all)
        if (fault === 'after') throw new StorageFault('unknown', 'planted')
        return result
      }
    const storage: Storage = {
      read: request('read', (keys, _: RequestOptions) => memory.read(keys)),
      readTogether: request('readTogether', (keys) => memory.readTogether(keys)),
      page: request('page', (range, _: RequestOptions) => memory.page(range)),
      scan: request('scan', (scan, _: RequestOptions) => memory.scan(scan)),
      write: request('write', (writes, _: RequestOptions) => memory.write(writes)),
      apply: request('apply', (operation, _: RequestOptions) => memory.apply(operation)),
      transact: request('transact', (operations, token, _: RequestOptions) =>
        memory.transact(operations, token),
      ),
    }
    return { context: newContext(storage, { runtime, retry: { attempts: 3 } }), sent }
  }
  const row = async (): Promise<Row | undefined> => (await memory.read([key]))[0] as Row | undefined
  return { clock, pass, process, row, memory }
}

const put = { op: 'put', row: { pk: 'jobs', sk: 'a' } } as const

test('a promise is raised once by whoever needs it first, and not asked for while it is known to hold', async () => {
  const { process, row, pass } = world()
  const [first, second] = [process(), process()]
  await ensurePromised(first.context, key)
  expect(first.sent).toEqual(['read', 'apply'])
  expect(await row()).toEqual({ ...key, until: start + promiseMs, version: '#' })
  await ensurePromised(second.context, key)
  pass(promiseMs - marginMs - 1)
  await ensurePromised(first.context, key)
  await ensurePromised(second.context, key)
  expect([first.sent, second.sent]).toEqual([['read', 'apply'], ['read']])
  pass(1)
  await ensurePromised(first.context, key)
  expect(first.sent).toEqual(['read', 'apply', 'read', 'apply'])
  expect((await row())?.until).toBe(start + 2 * promiseMs - marginMs)
})

test('promises of one row are apart, and are read together', async () => {
  const { process, row } = world()
  const { context, sent } = process()
  await underPromises(context, [
    { key, name: 'scheduled' },
    { key, name: 'p1' },
    { key, name: 'p1' },
  ])
  expect(sent).toEqual(['read', 'apply', 'apply'])
  expect(await row()).toMatchObject({ scheduled: start + promiseMs, p1: start + promiseMs })
})

test('a promise only grows, whoever raises it: one by a clock that is ahead is kept', async () => {
  const { process, row, clock } = world()
  clock.wall += 7_200_000
  await ensurePromised(process().context, key)
  clock.wall -= 7_200_000
  const late = process()
  await ensurePromised(late.context, key)
  expect(late.sent).toEqual(['read'])
  expect((await row())?.until).toBe(start + 7_200_000 + promiseMs)
})

test('a raise whose reply is lost is sent again', async () => {
  const { process, row } = world()
  let lost = 2
  const { context, sent } = process((name) => (name === 'apply' && lost-- > 0 ? 'after' : undefined))
  await ensurePromised(context, key)
  expect(sent).toEqual(['read', 'apply', 'apply', 'apply'])
  expect((await row())?.until).toBe(start + promiseMs)
})

test('calls at once share one raise; where it fails, the next one tries itself', async () => {
  const { process } = world()
  let refused = 3
  const { context, sent } = process((name) => (name === 'apply' && refused-- > 0 ? 'before' : undefined))
  const ends = await Promise.allSettled([1, 2, 3].map(() => ensurePromised(context, key)))
  expect(ends.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
  expect(sent).toEqual(['read', 'apply', 'apply', 'apply', 'read', 'apply'])
})

test('a clock that is set back prolongs no promise, and a suspension counts', async () => {
  const { process, clock, pass } = world()
  const { context, sent } = process()
  await ensurePromised(context, key)
  pass(promiseMs / 2)
  clock.wall -= promiseMs / 2
  await ensurePromised(context, key)
  expect(sent.length).toBe(2)
  pass(promiseMs / 2)
  await ensurePromised(context, key)
  expect(sent).toEqual(['read', 'apply', 'read', 'apply'])
  clock.wall += promiseMs
  await ensurePromised(context, key)
  expect(sent.length).toBe(6)
})

test.each(['write', 'apply', 'transact'] as const)(
  'a process that is frozen between the promise and its %s raises the promise before it sends',
  async (way) => {
    const { process, pass, row, memory } = world()
    let frozen = promiseMs
    const { context, sent } = process((name) => {
      if (name === way && sent.length >= 2) {
        pass(frozen)
        frozen = 0
      }
      return undefined
    })
    const promised = await underPromises(context, [{ key, name: 'until' }])
    if (way === 'write') await promised.storage.write([{ put: put.row }], {})
    else if (way === 'apply') await promised.storage.apply(put, {})
    else await promised.storage.transact([put], 't', {})
    expect(sent).toEqual(['read', 'apply', 'read', 'apply', way])
    expect((await row())?.until).toBe(start + 2 * promiseMs)
    expect(await memory.read([put.row])).toEqual([put.row])
  },
)

test('what a request is asked last of all besides is asked still', async () => {
  const { process } = world()
  const { context, sent } = process()
  const promised = await underPromises(context, [{ key, name: 'until' }])
  const beforeSending = () => {
    throw new StorageFault('mismatch', 'too old')
  }
  await expect(promised.storage.transact([put], 't', { beforeSending })).rejects.toThrow('too old')
  expect(sent).toEqual(['read', 'apply'])
})

test('a promise has ended once it is over by more than what clocks differ; none was never given', () => {
  expect(hasEnded(undefined, start)).toBe(true)
  expect(hasEnded(start - graceMs, start)).toBe(false)
  expect(hasEnded(start - graceMs - 1, start)).toBe(true)
})
