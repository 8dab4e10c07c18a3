import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Carried, Carrier } from '../../src/direct/carrying.ts'
import { exchanged } from '../../src/direct/exchange.ts'
import type { Pool } from '../../src/direct/pool.ts'

/** The time-outs of one request, by a clock that stands still. */
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => void vi.useRealTimers())

const limits = {
  maxSockets: 1,
  connectTimeoutMs: 1000,
  firstByteTimeoutMs: 100,
  requestTimeoutMs: 10_000,
  idleTimeoutMs: 1000,
  maxReplyBytes: 1000,
}

function begun(hasLeft: boolean) {
  const sent: string[] = []
  const carrier: Carrier = {
    write: (text) => sent.push(text) === 1 && hasLeft,
    release: () => {},
    destroy: () => {},
  }
  let carried!: Carried
  const run = (one: Carried) => {
    carried = one
    one.connecting(carrier)
    one.send(carrier)
  }
  const pool = { run, cancel: () => {} } as unknown as Pool
  let end: unknown
  exchanged(pool, () => 'text', limits, {}).then(
    (reply) => {
      end = reply
    },
    (error) => {
      end = error.message
    },
  )
  const after = async (ms: number) => {
    await vi.advanceTimersByTimeAsync(ms)
    return end
  }
  return { carried, sent, after }
}

test('the first byte must come within its time once the request has left', async () => {
  const { after, sent } = begun(true)
  expect(await after(99)).toBeUndefined()
  expect(await after(1)).toBe('no reply within firstByteTimeoutMs, 100 ms')
  expect(sent).toEqual(['text'])
})

test('a long way up is not a late reply', async () => {
  const { after, carried } = begun(false)
  expect(await after(5000)).toBeUndefined()
  carried.written()
  expect(await after(99)).toBeUndefined()
  // Once only.
  carried.written()
  expect(await after(1)).toBe('no reply within firstByteTimeoutMs, 100 ms')
})

test('a way up without an end ends with the time of the whole', async () => {
  const { after } = begun(false)
  expect(await after(9999)).toBeUndefined()
  expect(await after(1)).toBe('no whole reply within requestTimeoutMs, 10000 ms')
})

test('a reply may begin before the request has left', async () => {
  const { after, carried } = begun(false)
  await after(50)
  carried.read(Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n'))
  carried.written()
  expect(await after(1000)).toBeUndefined()
  carried.read(Buffer.from('\r\n{}'))
  expect(await after(0)).toMatchObject({ status: 200 })
})
