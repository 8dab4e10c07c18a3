import { expect, test } from 'vitest'
import { mutexSettings } from '../../../src/coordination/mutex/mutex-options.ts'

test('defaults', () => {
  expect(mutexSettings({ ttlMs: 3000 })).toEqual({
    ttlMs: 3000,
    observed: false,
    toleranceMs: 1000,
    liveness: undefined,
    heartbeatMs: 1000,
    label: undefined,
    ticketMs: undefined,
  })
  expect(mutexSettings({ ttlMs: null })).toMatchObject({ ttlMs: Number.POSITIVE_INFINITY })
  expect(mutexSettings({ ttlMs: 3000, fair: true }).ticketMs).toBe(10_000)
  expect(mutexSettings({ ttlMs: 3000, fair: false }).ticketMs).toBeUndefined()
  expect(mutexSettings({ ttlMs: 3000, fair: { ticketMs: 50 } }).ticketMs).toBe(50)
  expect(
    mutexSettings({ ttlMs: 3000, heartbeatMs: 1499, lease: 'observed', label: 'x'.repeat(256) }),
  ).toMatchObject({
    heartbeatMs: 1499,
    observed: true,
  })
})

test.each([
  [undefined, 'ttlMs'],
  [{}, 'ttlMs'],
  [{ ttlMs: 0 }, 'ttlMs'],
  [{ ttlMs: null, lease: 'observed' }, 'ttlMs'],
  [{ ttlMs: 3000, lease: 'wal' }, 'lease'],
  [{ ttlMs: 3000, heartbeatMs: 1500 }, 'heartbeatMs'],
  [{ ttlMs: 3000, heartbeatMs: -1 }, 'heartbeatMs'],
  [{ ttlMs: 3000, clockToleranceMs: -1 }, 'clockToleranceMs'],
  [{ ttlMs: 3000, fair: { ticketMs: 0 } }, 'fair.ticketMs'],
  [{ ttlMs: 3000, label: '' }, 'label'],
  [{ ttlMs: 3000, label: 'x'.repeat(257) }, 'label'],
  [{ ttlMs: 3000, ttl: 1 }, 'options.ttl'],
])('%o is refused for %s', (options, field) => {
  expect(() => mutexSettings(options as never)).toThrow(
    expect.objectContaining({ code: 'InvalidInput', field }),
  )
})
