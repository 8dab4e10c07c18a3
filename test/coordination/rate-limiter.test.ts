import { AtomicMemoryDb, RateLimiter } from 'lockrow'
import { expect, it } from 'vitest'
import { systemRuntime } from '../../src/runtime.ts'
import { onBothBackends } from '../setup/backends.ts'

onBothBackends('RateLimiter', ({ open, pk }) => {
  it('fixed windows and GCRA, never more than the limit, and says how long to wait', async () => {
    const windowed = new RateLimiter(
      open(),
      { pk: pk(), sk: 'r' },
      { limit: 5, windowMs: 3_600_000, kind: 'window' },
    )
    const answers = await Promise.all(Array.from({ length: 12 }, () => windowed.take('ann')))
    expect(answers.filter((answer) => answer.allowed)).toHaveLength(5)
    const refused = answers.find((answer) => !answer.allowed)!
    expect(refused.retryAfterMs).toBeGreaterThan(0)
    expect(refused.retryAfterMs).toBeLessThanOrEqual(3_600_000)
    expect((await windowed.take('bob')).allowed).toBe(true)
    const even = new RateLimiter(open(), { pk: pk(), sk: 'r' }, { limit: 60, windowMs: 3_600_000, burst: 4 })
    const burst = await Promise.all(Array.from({ length: 10 }, () => even.take()))
    expect(burst.filter((answer) => answer.allowed)).toHaveLength(4)
    const next = await even.take()
    expect(next.retryAfterMs).toBeGreaterThan(50_000)
    expect(next.retryAfterMs).toBeLessThanOrEqual(60_000)
    const quick = new RateLimiter(open(), { pk: pk(), sk: 'r' }, { limit: 1, windowMs: 60 })
    expect((await quick.take()).allowed).toBe(true)
    await open().runtime.sleep(80)
    expect((await quick.take()).allowed).toBe(true)
    expect(() => new RateLimiter(open(), { pk: 'p', sk: 'r' }, { limit: 0, windowMs: 1 })).toThrow(
      expect.objectContaining({ field: 'limit' }),
    )
    expect(() => new RateLimiter(open(), { pk: 'p', sk: 'r' }, { limit: 1, windowMs: 0 })).toThrow(
      expect.objectContaining({ field: 'windowMs' }),
    )
  })
})

it.each([
  [7, 1000, 7],
  [600, 1000, 60],
  [3, 60_000, 5],
])('%i calls in %i ms: %i may come at one moment', async (limit, windowMs, burst) => {
  for (let turn = 0; turn < 20; turn++) {
    const now = 1_800_000_000_000 + turn * 977.3
    const db = new AtomicMemoryDb({ runtime: { ...systemRuntime, now: () => now } })
    const limiter = new RateLimiter(db, { pk: 'p', sk: 'r' }, { limit, windowMs, burst })
    let allowed = 0
    for (let call = 0; call < burst + 3; call++) if ((await limiter.take()).allowed) allowed++
    expect(allowed).toBe(burst)
  }
})

it('its row outlasts what it remembers: every call of the burst, and two windows', async () => {
  const now = 1_700_000_000_000
  const db = new AtomicMemoryDb({ now: () => now })
  const key = { pk: 'limits', sk: 'r' }
  const limiter = new RateLimiter(db, key, { limit: 10, windowMs: 60_000, burst: 5 })
  for (let call = 0; call < 3; call++) {
    await limiter.take()
    expect((await db.get(key))!.ttl).toBe(now / 1000 + 30 + 2 * 60 + 1)
  }
})
