import { describe, expect, test } from 'vitest'
import { change, holds, Misfit, valueAt } from '../../src/model/evaluate.ts'
import type { Guard, RowChange } from '../../src/storage.ts'

const data = {
  n: 2,
  s: 'abc',
  l: [1, 2],
  m: { x: 1 },
  set: new Set(['a', 'b']),
  b: Uint8Array.of(1, 2, 3),
  t: true,
}
const row = { pk: 'p', sk: 's', data }
const at = (...path: (string | number)[]) => ['data', ...path]

test('a value at a path, and nothing where a step does not fit', () => {
  expect([valueAt(row, at('l', 1)), valueAt(row, at('m', 'x')), valueAt(row, [])]).toEqual([2, 1, row])
  for (const path of [
    at('l', 2),
    at('l', 'x'),
    at('m', 0),
    at('set', 'size'),
    at('b', 'length'),
    at('m', 'toString'),
    at('s', 0),
  ])
    expect(valueAt(row, path)).toBe(undefined)
  expect(valueAt(undefined, ['pk'])).toBe(undefined)
})

const compare = (op: 'eq' | 'ne' | 'lt' | 'lte' | 'gt' | 'gte', name: string, value: unknown): Guard => ({
  op,
  left: { path: at(name) },
  right: { value },
})
const size = (name: string, value: number): Guard => ({
  op: 'eq',
  left: { sizeOf: at(name) },
  right: { value },
})

test.each<[boolean, Guard]>([
  [true, compare('lt', 'n', 3)],
  [false, compare('lt', 'n', 2)],
  [true, compare('lte', 'n', 2)],
  [false, compare('lte', 'n', 1)],
  [true, compare('gt', 'n', 1)],
  [false, compare('gt', 'n', 2)],
  [true, compare('gte', 'n', 2)],
  [false, compare('gte', 'n', 3)],
  [false, compare('gte', 'n', 'a')],
  [true, compare('ne', 'n', 3)],
  [false, compare('ne', 'n', 2)],
  [true, compare('ne', 'missing', 2)],
  [false, compare('eq', 'missing', 2)],
  [true, { op: 'between', left: { path: at('n') }, low: { value: 2 }, high: { value: 2 } }],
  [false, { op: 'between', left: { path: at('n') }, low: { value: 3 }, high: { value: 4 } }],
  [false, { op: 'between', left: { path: at('n') }, low: { value: 0 }, high: { value: 1 } }],
  [false, { op: 'between', left: { path: at('s') }, low: { value: 0 }, high: { value: 9 } }],
  [true, { op: 'in', left: { path: at('n') }, values: [1, 2] }],
  [false, { op: 'in', left: { path: at('missing') }, values: [1, 2] }],
  [true, { op: 'beginsWith', path: at('s'), value: 'ab' }],
  [false, { op: 'beginsWith', path: at('l'), value: 'ab' }],
  [true, { op: 'contains', path: at('s'), value: 'bc' }],
  [true, { op: 'contains', path: at('l'), value: 2 }],
  [true, { op: 'contains', path: at('set'), value: 'b' }],
  [false, { op: 'contains', path: at('set'), value: 'c' }],
  [false, { op: 'contains', path: at('n'), value: 2 }],
  [true, { op: 'type', path: at('t'), type: 'BOOL' }],
  [true, size('s', 3)],
  [true, size('l', 2)],
  [true, size('m', 1)],
  [true, size('set', 2)],
  [true, size('b', 3)],
  [false, size('n', 1)],
  [true, { op: 'not', of: compare('eq', 'n', 3) }],
  [false, { op: 'and', of: [compare('eq', 'n', 2), compare('eq', 'n', 3)] }],
  [true, { op: 'or', of: [compare('eq', 'n', 2), compare('eq', 'n', 3)] }],
])('%s: %o', (expected, guard) => expect(holds(guard, row)).toBe(expected))

describe('changes', () => {
  const changed = (changes: RowChange[], grow = false) => change(row, changes, grow).data as typeof data

  test('the old row stays as it is, and unchanged parts are shared', () => {
    const next = changed([{ op: 'add', path: at('m', 'x'), value: 1 }])
    expect([next.m, data.m]).toEqual([{ x: 2 }, { x: 1 }])
    expect(next.l).toBe(data.l)
  })

  test('positions are those before the change: what is behind the end is appended, removals come last', () => {
    expect(
      changed([
        { op: 'set', path: at('l', 7), value: 'seventh' },
        { op: 'set', path: at('l', 5), value: 'fifth' },
        { op: 'remove', path: at('l', 1) },
        { op: 'remove', path: at('l', 0) },
      ]).l,
    ).toEqual(['fifth', 'seventh'])
    expect(
      changed([
        { op: 'remove', path: at('l', 2) },
        { op: 'set', path: at('l', 3), value: 3 },
      ]).l,
    ).toEqual([1, 2, 3])
  })

  test('lists and sets grow from nothing, and a set without members is gone', () => {
    const next = changed([
      { op: 'append', path: at('l'), value: [3] },
      { op: 'prepend', path: at('k'), value: [0] },
      { op: 'removeFromSet', path: at('set'), value: new Set(['a', 'b', 'c']) },
      { op: 'addToSet', path: at('other'), value: new Set([1]) },
    ])
    expect(next).toMatchObject({ l: [1, 2, 3], k: [0], other: new Set([1]) })
    expect(next).not.toHaveProperty('set')
    expect(changed([{ op: 'addToSet', path: at('set'), value: new Set(['b', 'c']) }]).set).toEqual(
      new Set(['a', 'b', 'c']),
    )
    expect(
      changed([
        { op: 'setIfAbsent', path: at('n'), value: 9 },
        { op: 'setIfAbsent', path: at('o'), value: 9 },
      ]),
    ).toMatchObject({ n: 2, o: 9 })
  })

  test.each<RowChange>([
    { op: 'add', path: at('s'), value: 1 },
    { op: 'append', path: at('m'), value: [1] },
    { op: 'addToSet', path: at('l'), value: new Set([1]) },
    { op: 'addToSet', path: at('set'), value: new Set([1]) },
    { op: 'set', path: at('n', 'x'), value: 1 },
    { op: 'set', path: at('m', 0), value: 1 },
    { op: 'set', path: at('no', 'x'), value: 1 },
    { op: 'remove', path: at('no', 'x') },
    { op: 'remove', path: at('no', 0) },
    { op: 'removeFromSet', path: at('no', 'x'), value: new Set(['a']) },
  ])('what does not fit is a misfit: %o', (one) => {
    expect(() => change(row, [one])).toThrow(Misfit)
  })

  test('parents are made where they may be, of the kind that the path needs', () => {
    expect(changed([{ op: 'set', path: at('a', 0, 'b'), value: 1 }], true)).toMatchObject({ a: [{ b: 1 }] })
    expect(changed([{ op: 'remove', path: at('no', 'x') }], true)).not.toHaveProperty('no')
  })
})

test.each([
  ['s', 'a text'],
  ['l', 'a list'],
  ['m', 'a map'],
  ['set', 'a set of texts'],
  ['b', 'a binary'],
  ['t', 'a boolean'],
])('a misfit says what is there: %s', (name, found) => {
  const add = { op: 'add', path: at(name), value: 1 } as const
  expect(() => change(row, [add])).toThrow(`add needs a number, but there is ${found}`)
})

test('of two positions behind the end the lower one comes first, whichever is named first', () => {
  const [low, high] = [5, 7].map((place) => ({ op: 'set', path: at('l', place), value: place }) as const)
  for (const changes of [
    [low!, high!],
    [high!, low!],
  ])
    expect((change(row, changes).data as typeof data).l).toEqual([1, 2, 5, 7])
})
