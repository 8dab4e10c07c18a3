import { expect, test } from 'vitest'
import { toPaths } from '../../src/model/fields.ts'

test('paths inside data; what lies within another one, or is there twice, is left out', () => {
  expect(toPaths(['a', 'b.c'])).toEqual([
    ['data', 'a'],
    ['data', 'b', 'c'],
  ])
  expect(toPaths(['b.c', 'b', 'b', 'b.c.d', 'bb'])).toEqual([
    ['data', 'b'],
    ['data', 'bb'],
  ])
  expect(toPaths([['data'], ['a.b']])).toEqual([
    ['data', 'data'],
    ['data', 'a.b'],
  ])
})

test.each([
  [undefined, /fields: must be a list/],
  [[], /fields: must be a list of at least one/],
  [[''], /fields\[0\]: names all of data/],
  [['a', 'b[0]'], /fields\[1\]: has a list position/],
  [['data.a'], /fields\[0\]: 'data' is reserved: paths begin inside data/],
  [['version'], /'version' is reserved: paths begin inside data/],
  [['pk'], /'pk' is reserved: it always comes along/],
  [['ttl.x'], /a field of that name is \['ttl'\]/],
  [Array.from({ length: 101 }, (_, i) => `f${i}`), /at most 100 paths, got 101/],
  [Array.from({ length: 21 }, (_, i) => [`f${i}`, ...Array(30).fill('x')]), /too long for one request/],
])('%o is refused', (given, message) => {
  expect(() => toPaths(given)).toThrow(message)
})

test('a hundred paths are taken', () => {
  expect(toPaths(Array.from({ length: 100 }, (_, i) => `f${i}`))).toHaveLength(100)
})

test('600 names in all are taken, and no more', () => {
  const paths = (more: string[]) => [
    ...Array.from({ length: 20 }, (_, i) => [`f${i}`, ...Array(28).fill('x')]),
    ...more,
  ]
  expect(toPaths(paths([]))).toHaveLength(20)
  expect(() => toPaths(paths(['one']))).toThrow('too long for one request')
})
