import { expect, it } from 'vitest'
import { differences } from '../../../src/console/page/item-differences.ts'

const item = (data: unknown, ttl?: number) => ({ pk: 'a', sk: 'b', json: JSON.stringify(data), ttl })

it('what two states of an item differ in, field by field', () => {
  expect(
    differences(item({ a: 1, b: { c: 1, d: [1] } }), item({ a: 1, b: { c: 2, d: [2] }, e: 5 }, 9)),
  ).toEqual([
    { path: 'b.c', before: '1', after: '2' },
    { path: 'b.d', before: '[1]', after: '[2]' },
    { path: 'e', before: undefined, after: '5' },
    { path: 'ttl', before: undefined, after: '9' },
  ])
  expect(differences(item({ a: 1 }), item({ a: 1 }))).toEqual([])
  expect(differences(undefined, item(5))).toEqual([{ path: 'data', before: undefined, after: '5' }])
})
