import { expect, test } from 'vitest'
import { toRange } from '../../src/model/range.ts'

const pk = 'p'
const base = { pk, reverse: false }

test.each([
  [{ pk }, base],
  [{ pk, sk: '' }, base],
  [
    { pk, sk: 'a' },
    { ...base, prefix: 'a' },
  ],
  [
    { pk, from: 'b', to: 'd' },
    { ...base, from: 'b', to: 'd' },
  ],
  [
    { pk, reverse: true, to: 'd' },
    { pk, reverse: true, to: 'd' },
  ],
  [
    { pk, from: 'b', to: 'b' },
    { ...base, from: 'b', to: 'b' },
  ],
  [
    { pk, sk: 'a', from: 'a5' },
    { ...base, from: 'a5', to: expect.stringMatching(/^a/) },
  ],
  [
    { pk, sk: 'b', from: 'a' },
    { ...base, prefix: 'b' },
  ],
  [
    { pk, sk: 'b', to: 'c' },
    { ...base, prefix: 'b' },
  ],
  [
    { pk, from: 'b', exclude: 'from' as const },
    { ...base, from: 'b\0' },
  ],
  [{ pk, from: 'b', to: 'b', exclude: 'from' as const }, undefined],
  [{ pk, from: 'b', to: 'b', exclude: 'both' as const }, undefined],
  [
    { pk, fields: ['a'] },
    { ...base, paths: [['data', 'a']] },
  ],
  [
    { pk, after: 'm' },
    { ...base, after: 'm' },
  ],
  [{ pk, from: 'b', to: 'd', after: 'd' }, undefined],
  [{ pk, from: 'b', to: 'd', reverse: true, after: 'b' }, undefined],
  [
    { pk, from: 'b', to: 'd', after: 'b' },
    { ...base, from: 'b', to: 'd', after: 'b' },
  ],
  [
    { pk, from: 'b', to: 'd', reverse: true, after: 'd' },
    { pk, reverse: true, from: 'b', to: 'd', after: 'd' },
  ],
])('%o', (query, range) => {
  expect(toRange(query)).toEqual(range)
})

test('the bound before a text, excluded, lies below it and above everything shorter', () => {
  const { to } = toRange({ pk, to: 'b', exclude: 'to' })!
  expect(to! < 'b').toBe(true)
  expect(to! > 'azzz').toBe(true)
})

test.each([
  [null, 'query'],
  [{ pk: '' }, 'pk'],
  [{ pk, limit: 0 }, 'limit'],
  [{ pk, limit: 1.5 }, 'limit'],
  [{ pk, from: '' }, 'from'],
  [{ pk, to: 7 }, 'to'],
  [{ pk, from: 'c', to: 'b' }, 'from'],
  [{ pk, from: '😀', to: '\uffff' }, 'from'],
  [{ pk, exclude: 'from' }, 'exclude'],
  [{ pk, from: 'a', exclude: 'both' }, 'exclude'],
  [{ pk, from: 'a', exclude: true }, 'exclude'],
  [{ pk, sk: 'a', from: 'b' }, 'from'],
  [{ pk, sk: 'b', to: 'a' }, 'to'],
  [{ pk, sk: 'a', after: 'b' }, 'after'],
  [{ pk, from: 'b', after: 'a' }, 'after'],
  [{ pk, to: 'b', after: 'c' }, 'after'],
])('%o is refused for its %s', (query, field) => {
  expect(() => toRange(query as never)).toThrow(expect.objectContaining({ code: 'InvalidInput', field }))
})

test.each(['', 5, null, 'x'.repeat(1025)])('after %j is no sort key', (after) => {
  expect(() => toRange({ pk, after: after as never })).toThrow(/after/)
})
