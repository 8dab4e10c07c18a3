import { expect, test } from 'vitest'
import {
  bareKey,
  checkKey,
  checkLockable,
  checkPk,
  checkPkAndSk,
  checkSk,
  keyText,
  sameKey,
  showKey,
} from '../../src/model/keys.ts'

const key = { pk: 'a', sk: 'b' }

test('keys are texts within the limits, in bytes of UTF-8', () => {
  checkPk('ä'.repeat(1024))
  checkSk('€'.repeat(341))
  expect(() => checkPk(`${'ä'.repeat(1024)}x`)).toThrow(
    /pk: must be at most 2048 bytes of UTF-8, got 2049 bytes/,
  )
  expect(() => checkSk('€'.repeat(342))).toThrow(/sk: must be at most 1024 bytes of UTF-8, got 1026 bytes/)
  expect(() => checkSk('')).toThrow(/sk: must not be empty/)
  expect(() => checkPk(null)).toThrow(/pk: must be a text, got null/)
  expect(() => checkPk(7)).toThrow(/pk: must be a text, got number/)
  expect(() => checkSk('\ud800')).toThrow(/lone surrogate/)
})

test('errors name the part and where it stands', () => {
  expect(() => checkKey({ pk: 'a' } as never, 'keys[1]')).toThrow(/^keys\[1\]\.sk: must be a text/)
  expect(() => checkKey(undefined as never)).toThrow(/^key: must be an object with pk and sk, got undefined/)
  expect(() => checkKey(null as never, 'lock')).toThrow(/^lock: must be an object with pk and sk, got null/)
})

test('a key may be what was read, and nothing else', () => {
  checkKey({ ...key, data: 1, ttl: 2, version: 'v', receipt: 'r' } as never)
  expect(() => checkKey({ ...key, limit: 1 } as never)).toThrow(/limit/)
  checkPkAndSk({ ...key, limit: 1 } as never)
})

test('texts of keys tell any two apart, also with NUL inside', () => {
  const parts = ['a', 'b', 'a\0', '\0a', '\0', 'a\0b', '1:a', '\x001:a']
  const texts = parts.flatMap((pk) => parts.map((sk) => keyText({ pk, sk })))
  expect(new Set(texts).size).toBe(parts.length ** 2)
})

test('the key alone, whether two are one, and how errors show it', () => {
  expect(bareKey({ ...key, data: 1 } as never)).toEqual(key)
  expect(sameKey(key, { ...key })).toBe(true)
  expect(sameKey(key, { ...key, sk: 'c' })).toBe(false)
  expect(sameKey(key, { ...key, pk: 'c' })).toBe(false)
  expect(showKey(key)).toBe('a/b')
})

test('a key that is locked leaves room for the name of its lock', () => {
  checkLockable({ pk: 'a', sk: 'x'.repeat(1019) })
  expect(() => checkLockable({ pk: 'a', sk: 'x'.repeat(1020) }, 'keys[0]')).toThrow(
    /keys\[0\]\.sk: must be at most 1019 bytes of UTF-8 to be locked/,
  )
  // beyond the limit of keys that one says it
  checkLockable({ pk: 'a', sk: 'x'.repeat(1025) })
})
