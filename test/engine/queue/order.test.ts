import { expect, test } from 'vitest'
import { bySk, isBeyond } from '../../../src/engine/queue/order.ts'

test('order is that of UTF-8 bytes; undefined and empty are the start', () => {
  expect(isBeyond('a', undefined)).toBe(true)
  expect(isBeyond('a', '')).toBe(true)
  expect(isBeyond('b', 'a')).toBe(true)
  expect(isBeyond('a', 'a')).toBe(false)
  expect(isBeyond('a', 'b')).toBe(false)
  expect(isBeyond('😀', '\uffff')).toBe(true)
  expect(
    ['😀', 'b', '\uffff', 'a']
      .map((sk) => ({ sk }))
      .sort(bySk)
      .map(({ sk }) => sk),
  ).toEqual(['a', 'b', '\uffff', '😀'])
})
