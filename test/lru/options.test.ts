import { expect, test } from 'vitest'
import { checkedOptions } from '../../src/lru/options.ts'

test('a number of items, or options', () => {
  expect(checkedOptions(1)).toEqual({ maxItems: 1, maxAgeMs: undefined, copy: true })
  expect(checkedOptions({ maxItems: 10_000_000, maxAgeMs: 0.5, copy: false })).toEqual({
    maxItems: 10_000_000,
    maxAgeMs: 0.5,
    copy: false,
  })
})

test.each([
  [0, 'maxItems'],
  [10_000_001, 'maxItems'],
  [1.5, 'maxItems'],
  [undefined, 'maxItems'],
  [{}, 'maxItems'],
  [{ maxItems: 1, maxAgeMs: 0 }, 'maxAgeMs'],
  [{ maxItems: 1, copy: 'yes' }, 'copy'],
  [{ maxItems: 1, ttl: 5 }, 'options.ttl'],
])('%o is refused for its %s', (given, field) => {
  expect(() => checkedOptions(given as never)).toThrow(
    expect.objectContaining({ code: 'InvalidInput', field }),
  )
})
