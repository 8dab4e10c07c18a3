import { expect, test } from 'vitest'
import { parsePath } from '../../src/model/parse-path.ts'

test.each([
  ['', []],
  ['a', ['a']],
  ['a.b', ['a', 'b']],
  ['a[0].b[12]', ['a', 0, 'b', 12]],
  ['[3]', [3]],
  ['[1][2]', [1, 2]],
  ['a\\.b', ['a.b']],
  ['a\\[0\\]', ['a[0]']],
  ['\\\\', ['\\']],
  ['ä.😀', ['ä', '😀']],
  [
    ['a.b', 0],
    ['a.b', 0],
  ],
])('%j', (text, segments) => {
  expect(parsePath(text, 'set')).toEqual(segments)
})

test.each(['.a', 'a.', 'a..b', 'a[', 'a[]', 'a[-1]', 'a[x]', 'a]', 'a[0]b', '\\'])(
  '%j is not a path',
  (text) => {
    expect(() => parsePath(text, 'set.x')).toThrow(/^set\.x: not a path/)
  },
)

test.each([[['']], [[-1]], [[1.5]], [[null]], [7], [null]])('%j is not a path', (given) => {
  expect(() => parsePath(given as never, 'remove')).toThrow(/^remove: a path is/)
})

test('limits: depth, positions, names', () => {
  expect(parsePath(Array(31).fill('a').join('.'), 'f')).toHaveLength(31)
  expect(() => parsePath(Array(32).fill('a').join('.'), 'f')).toThrow(/at most 31 levels/)
  expect(parsePath(['a', 2 ** 31 - 1], 'f')).toEqual(['a', 2 ** 31 - 1])
  expect(() => parsePath(['a', 2 ** 31], 'f')).toThrow(/from 0 to 2147483647/)
  expect(parsePath('x'.repeat(65_535), 'f')).toHaveLength(1)
  expect(() => parsePath('x'.repeat(65_536), 'f')).toThrow(/at most 65535 bytes of UTF-8, got 65536 bytes/)
  expect(() => parsePath('ä'.repeat(32_768), 'f')).toThrow(/got 65536 bytes/)
  expect(() => parsePath('a.__proto__.b', 'f')).toThrow(/cannot go through '__proto__'/)
  expect(() => parsePath('a.\ud800', 'f')).toThrow(/lone surrogate/)
})
