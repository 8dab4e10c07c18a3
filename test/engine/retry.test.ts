import { describe, expect, test } from 'vitest'
import { Call } from '../../src/engine/call.ts'
import {
  type AtomicDbEvent,
  checkRetry,
  type Doubt,
  type Repeatable,
  retried,
} from '../../src/engine/retry.ts'
import { systemRuntime } from '../../src/runtime.ts'
import { type FaultKind, StorageFault } from '../../src/storage.ts'

const keys = [{ pk: 'p', sk: 'a' }]

/** A request that fails as told and is answered then, on a clock that waits at once. */
async function run(
  kinds: readonly (FaultKind | Error)[],
  repeatable: Repeatable,
  more: { attempts?: number; timeoutMs?: number } = {},
) {
  const waits: number[] = []
  const events: AtomicDbEvent[] = []
  let time = 0
  const runtime = {
    ...systemRuntime,
    monotonic: () => time,
    random: () => 0.999_999,
    async sleep(ms: number, { signal }: { signal?: AbortSignal } = {}) {
      // The deadline's own timer.
      if (ms === more.timeoutMs)
        return new Promise<void>((_, no) => signal!.addEventListener('abort', () => no(signal!.reason)))
      waits.push(Math.round(ms))
      time += ms
    },
  }
  const call = new Call(runtime, undefined, more.timeoutMs)
  const doubt: Doubt = { unanswered: false }
  const left = [...kinds]
  let sent = 0
  const request = async () => {
    sent++
    const next = left.shift()
    if (next instanceof Error) throw next
    if (next) throw new StorageFault(next, `it was ${next}`)
    return 'answer'
  }
  const retry = more.attempts === undefined ? {} : { attempts: more.attempts }
  try {
    const context = { runtime, retry, call, onEvent: (event: AtomicDbEvent) => events.push(event) }
    const end = await retried(context, repeatable, keys, request, doubt).catch((error: unknown) => error)
    return { end, sent, waits, events, doubt }
  } finally {
    call.end()
  }
}

test('refusals are repeated, each wait up to twice as long, at most two seconds', async () => {
  const { end, sent, waits, events } = await run(Array(9).fill('throttled'), 'once')
  expect([end, sent]).toEqual(['answer', 10])
  expect(waits).toEqual([25, 50, 100, 200, 400, 800, 1600, 2000, 2000])
  expect(events[0]).toEqual({ type: 'retry', reason: 'throttled', attempt: 1, keys })
  expect(events).toHaveLength(9)
})

describe('when the attempts are used up, the error is true about what was written', () => {
  test.each<[FaultKind, Repeatable, string]>([
    ['throttled', 'once', 'Throttled'],
    ['conflict', 'once', 'RaceCondition'],
    ['unreachable', 'once', 'BackendError'],
    ['unknown', 'read', 'BackendError'],
    ['unknown', 'idempotent', 'OutcomeUnknown'],
    ['inProgress', 'idempotent', 'OutcomeUnknown'],
  ])('%s of a request that is %s: %s', async (kind, repeatable, code) => {
    const { end, sent, doubt } = await run(Array(3).fill(kind), repeatable, { attempts: 3 })
    expect(end).toMatchObject({ code, keys })
    expect(sent).toBe(3)
    expect(doubt.unanswered).toBe(code === 'OutcomeUnknown')
    expect(doubt.fault).toMatchObject({ kind })
  })
})

test("a lost reply of what must happen once is the caller's to resolve", async () => {
  const { end, sent, doubt } = await run(['unknown'], 'once')
  expect(end).toMatchObject({ kind: 'unknown' })
  expect([sent, doubt]).toEqual([1, { unanswered: false }])
})

test('no later refusal takes away the doubt of a write', async () => {
  expect((await run(['unknown', 'throttled'], 'idempotent', { attempts: 2 })).end).toMatchObject({
    code: 'OutcomeUnknown',
  })
  const refused = new TypeError('no such table')
  const { end, doubt } = await run(['unknown', refused], 'idempotent')
  expect(end).toMatchObject({ code: 'OutcomeUnknown', cause: refused })
  expect(doubt).toMatchObject({ unanswered: true, refusal: refused })
})

test('what cannot be repeated ends it at once', async () => {
  const refused = new TypeError('no such table')
  expect(await run([refused], 'read')).toMatchObject({ end: refused, sent: 1, doubt: { refusal: refused } })
  for (const kind of ['invalid', 'mismatch'] as const)
    expect(await run([kind], 'read')).toMatchObject({ end: { kind }, sent: 1 })
})

test('a clock is corrected once', async () => {
  expect(await run(['skewed'], 'once')).toMatchObject({ end: 'answer', sent: 2 })
  expect(await run(['skewed', 'skewed'], 'once')).toMatchObject({ end: { code: 'BackendError' }, sent: 2 })
})

test('no wait is longer than the time that is left', async () => {
  const { end, waits } = await run(Array(9).fill('throttled'), 'once', { timeoutMs: 300 })
  expect(end).toMatchObject({ code: 'Throttled' })
  expect(waits).toEqual([25, 50, 100])
})

test.each([
  [{ attempts: 0 }, 'retry.attempts'],
  [{ attempts: 1.5 }, 'retry.attempts'],
  [{ baseMs: -1 }, 'retry.baseMs'],
  [{ maxMs: Number.NaN }, 'retry.maxMs'],
  [{ tries: 3 }, 'retry.tries'],
])('%o is refused', (options, field) => {
  expect(() => checkRetry(options as never)).toThrow(expect.objectContaining({ code: 'InvalidInput', field }))
})

test('a base of nothing is taken', () => {
  expect(checkRetry({ attempts: 1, baseMs: 0, maxMs: 0 })).toEqual({ attempts: 1, baseMs: 0, maxMs: 0 })
  expect(checkRetry()).toEqual({})
})
