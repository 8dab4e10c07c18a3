import { expect, test } from 'vitest'
import {
  assignedBy,
  attemptOf,
  type Ring,
  rememberAttempt,
  rememberedAttempt,
  wasReleasedBy,
} from '../../src/coordination/nonce-ring.ts'
import { systemRuntime } from '../../src/runtime.ts'

// 7, 8 and 9 were assigned, then 7 was given back and assigned again, then 9 was given back.
const row: Ring = { n: 8, ring: ['a', 'b', 'c', ['back7'], ['d', 7], ['back9', 'last']] }

test('who was assigned what, from the newest to the oldest', () => {
  expect(['a', 'b', 'c', 'd', 'e'].map((by) => assignedBy(row, by))).toEqual([7, 8, 9, 7, undefined])
  expect([6, 7, 8, 9].map((nonce) => attemptOf(row, nonce))).toEqual([undefined, 'd', 'b', 'c'])
  expect(assignedBy(undefined, 'a')).toBeUndefined()
  expect(assignedBy({ n: 3 }, 'a')).toBeUndefined()
})

test('which release was applied', () => {
  expect(wasReleasedBy(row, 'back7')).toBe(true)
  expect(wasReleasedBy(row, 'back9')).toBe(true)
  expect(wasReleasedBy(row, 'a')).toBe(false)
  expect(wasReleasedBy({ n: 1 }, 'a')).toBe(false)
})

test('a process remembers the last ten thousand of its own', () => {
  const runtime = { ...systemRuntime }
  const key = { pk: 'p', sk: 'a' }
  expect(rememberedAttempt(runtime, key, 1)).toBeUndefined()
  for (let nonce = 1; nonce <= 10_000; nonce++) rememberAttempt(runtime, key, nonce, `by${nonce}`)
  rememberAttempt(runtime, key, 1, 'again')
  rememberAttempt(runtime, key, 10_001, 'one more')
  expect(rememberedAttempt(runtime, key, 1)).toEqual({ by: 'again', state: 'assigned' })
  expect(rememberedAttempt(runtime, key, 2)).toBeUndefined()
  expect(rememberedAttempt(runtime, key, 3)).toMatchObject({ by: 'by3' })
  expect(rememberedAttempt({ ...systemRuntime }, key, 3)).toBeUndefined()
})
