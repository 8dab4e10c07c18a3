import { expect, test } from 'vitest'
import { checkTtl, dataPath, toChanges } from '../../src/model/parse-changes.ts'

test('each kind of change is one of the row', () => {
  expect(toChanges({ set: { 'a.b': 1 }, add: { n: 2 }, max: { m: 3 }, remove: ['x[0]'], ttl: 9 })).toEqual([
    { op: 'set', path: ['data', 'a', 'b'], value: 1 },
    { op: 'add', path: ['data', 'n'], value: 2 },
    { op: 'max', path: ['data', 'm'], value: 3 },
    { op: 'remove', path: ['data', 'x', 0] },
    { op: 'set', path: ['ttl'], value: 9 },
  ])
  expect(toChanges({ ttl: null })).toEqual([{ op: 'remove', path: ['ttl'] }])
  expect(toChanges({ addToSet: { s: ['a', 'a'] } })).toEqual([
    { op: 'addToSet', path: ['data', 's'], value: new Set(['a']) },
  ])
  expect(toChanges({ set: [[['a.b', 0], 1]] })).toEqual([{ op: 'set', path: ['data', 'a.b', 0], value: 1 }])
  expect(toChanges({ delete: true })).toBe('delete')
})

test.each([
  [null, 'changes'],
  [{}, 'changes'],
  [{ set: {} }, 'changes'],
  [{ sett: { a: 1 } }, 'changes.sett'],
  [{ delete: true, set: { a: 1 } }, 'changes.delete'],
  [{ delete: false }, 'changes.delete'],
  [{ set: 7 }, 'changes.set'],
  [{ set: [['a']] }, 'changes.set'],
  [{ add: { n: '1' } }, 'changes.add.n'],
  [{ append: { l: [] } }, 'changes.append.l'],
  [{ addToSet: { s: 'a' } }, 'changes.addToSet.s'],
  [{ remove: 'a' }, 'changes.remove'],
  [{ remove: [''] }, 'changes.remove'],
  [{ set: { a: 1, 'a.b': 2 } }, 'changes'],
  [{ set: { 'a.b': 2, a: 1 } }, 'changes'],
  [{ ttl: 1.5 }, 'changes.ttl'],
])('%o is refused for %s', (changes, field) => {
  expect(() => toChanges(changes as never)).toThrow(expect.objectContaining({ code: 'InvalidInput', field }))
})

test('neighbours do not overlap', () => {
  expect(toChanges({ set: { a: 1, ab: 2, 'b[0]': 3, 'b[1]': 4 } })).toHaveLength(4)
})

test('150 changes, of whatever kinds together, and no more', () => {
  const set = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, i]))
  expect(toChanges({ set: set(150) })).toHaveLength(150)
  expect(toChanges({ set: set(149), remove: ['x'] })).toHaveLength(150)
  for (const changes of [
    { set: set(151) },
    { set: set(150), add: { x: 1 } },
    { set: set(150), remove: ['x'] },
  ])
    expect(() => toChanges(changes)).toThrow(expect.objectContaining({ limit: 150, given: '151' }))
})

test('an expiry is whole epoch seconds', () => {
  expect([checkTtl(0, 'ttl'), checkTtl(1e11, 'ttl')]).toEqual([0, 1e11])
  for (const ttl of [-1, 0.5, '1', 1e11 + 1, Number.NaN])
    expect(() => checkTtl(ttl, 'ttl')).toThrow(
      expect.objectContaining({ code: 'InvalidInput', field: 'ttl' }),
    )
})

test('a path is shown as the caller writes it', () => {
  expect([dataPath(['data', 'a.b', 0]), dataPath(['ttl']), dataPath(['data'])]).toEqual([
    'a\\.b[0]',
    'ttl',
    '',
  ])
})
