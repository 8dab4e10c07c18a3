import { expect, test } from 'vitest'
import { holds } from '../../src/model/evaluate.ts'
import { allGuards, isLive, isLiveGuard, isVacantGuard } from '../../src/model/expiry.ts'
import type { Row } from '../../src/storage.ts'

const now = 1000
const row = (ttl?: unknown): Row => ({ pk: 'p', sk: 's', ...(ttl !== undefined && { ttl }) }) as Row

test.each([
  ['no ttl', row(), true],
  ['a second left', row(now + 1), true],
  ['the second of its ttl', row(now), false],
  ['a fraction before it', row(now + 0.5), true],
  ['long past', row(1), false],
  ['a ttl that is a text', row('1'), true],
  ['a ttl that is a bigint', row(999n), false],
])('%s: the code and the guards agree', (_name, stored, live) => {
  expect(isLive(stored, now)).toBe(live)
  expect(holds(isLiveGuard(now), stored)).toBe(live)
  expect(holds(isVacantGuard(now), stored)).toBe(!live)
})

test('no row is vacant, and not live', () => {
  expect(isLive(undefined, now)).toBe(false)
  expect(holds(isVacantGuard(now), undefined)).toBe(true)
})

test('all guards are one, flat, without those that ask for nothing', () => {
  const a = isLiveGuard(1)
  const b = isVacantGuard(2)
  expect(allGuards(undefined, a)).toBe(a)
  expect(allGuards(allGuards(a, b), undefined, a)).toEqual({ op: 'and', of: [a, b, a] })
})
