import { BackendError } from 'lockrow'
import { StorageFault } from 'lockrow/backend'
import { expect, test } from 'vitest'
import { newContext } from '../../src/engine/context.ts'
import { detached, inCall } from '../../src/engine/in-call.ts'
import { MemoryStorage } from '../../src/memory/storage.ts'
import { checkCallOptions } from '../../src/model/option-names.ts'
import { systemRuntime } from '../../src/runtime.ts'

const database = newContext(new MemoryStorage(systemRuntime), {})
const bounded = newContext(new MemoryStorage(systemRuntime), { timeoutMs: 50_000 })
const never = Number.POSITIVE_INFINITY

test('each call has an end of its own, that of its options or that of the database', async () => {
  const lefts: number[] = []
  const look = async ({ call }: { call: { left: number } }) => void lefts.push(call.left)
  await inCall(database, checkCallOptions, {}, look)
  await inCall(bounded, checkCallOptions, undefined, look)
  await inCall(bounded, checkCallOptions, { timeoutMs: 200_000 }, look)
  expect(lefts[0]).toBe(never)
  expect(lefts[1]).toBeGreaterThan(40_000)
  expect(lefts[1]).toBeLessThanOrEqual(50_000)
  expect(lefts[2]).toBeGreaterThan(190_000)
})

test('the signal of the options also ends at the deadline; without either there is none', async () => {
  const stop = new AbortController()
  const given = await inCall(
    database,
    checkCallOptions,
    { signal: stop.signal, timeoutMs: 90_000 },
    async (_, options) => options,
  )
  expect(given).toMatchObject({ timeoutMs: 90_000, signal: expect.any(AbortSignal) })
  expect((given as { signal: AbortSignal }).signal).not.toBe(stop.signal)
  const options = {}
  expect(await inCall(database, checkCallOptions, options, async (_, same) => same)).toBe(options)
})

test('wrong options are refused before anything is done', async () => {
  const work = () => expect.unreachable()
  await expect(inCall(database, checkCallOptions, { timeout: 5 } as never, work)).rejects.toThrow(/timeoutMs/)
})

test('no fault of a storage reaches the caller as it is; any other error does', async () => {
  const cause = new Error('no room')
  const fault = new StorageFault('invalid', 'too large', cause)
  const thrown = await inCall(database, checkCallOptions, {}, () => Promise.reject(fault)).catch(
    (error) => error,
  )
  expect(thrown).toBeInstanceOf(BackendError)
  expect(thrown).toMatchObject({ message: 'the backend refused the request: too large', cause })
  await expect(inCall(database, checkCallOptions, {}, () => Promise.reject(cause))).rejects.toBe(cause)
})

test('what goes on after a call has no end', async () => {
  const stop = new AbortController()
  await inCall(bounded, checkCallOptions, { signal: stop.signal }, async (context) => {
    stop.abort()
    expect(context.call.aborted).toBe(true)
    const { call, storage } = detached(context)
    expect([call.aborted, call.left, storage]).toEqual([false, never, context.storage])
  })
})
