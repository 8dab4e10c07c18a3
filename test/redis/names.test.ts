import { InvalidInput } from 'lockrow'
import { describe, expect, test } from 'vitest'
import { baseOf, checkPrefix, rowKey, tokenKey } from '../../src/redis/names.ts'

describe('names of keys', () => {
  test('all begin with one hash tag', () => {
    expect(baseOf('shop')).toBe('{shop}')
    expect(rowKey('{shop}', { pk: 'users', sk: 'ann' })).toBe('{shop}:r:5:users:ann')
    expect(tokenKey('{shop}', 'abc')).toBe('{shop}:t:abc')
  })

  test('no two rows share one, wherever the colon is; lengths are in bytes', () => {
    const keys = [
      { pk: 'a', sk: 'b:c' },
      { pk: 'a:b', sk: 'c' },
      { pk: 'ä', sk: 'c' },
    ].map((key) => rowKey('{x}', key))
    expect(new Set(keys).size).toBe(3)
    expect(keys[2]).toBe('{x}:r:2:ä:c')
  })

  test.each(['', 'a{b}', '}', 'a b', 'ä', 'x'.repeat(101), 7, undefined])('refuses %j', (prefix) => {
    expect(() => checkPrefix(prefix)).toThrow(InvalidInput)
  })

  test.each(['lockrow', 'shop:eu/1', 'a.b-c_d'])('takes %j', (prefix) => {
    expect(() => checkPrefix(prefix)).not.toThrow()
  })
})
