import type { Guard, RowChange } from 'lockrow/backend'
import { expect, test } from 'vitest'
import { Expressions } from '../../src/dynamo/expressions.ts'

const n = { path: ['data', 'n'] }

/** The text, with placeholders replaced by what they stand for. */
function readable(write: (expressions: Expressions) => string): string {
  const expressions = new Expressions()
  return write(expressions)
    .replace(/#\d+/g, (placeholder) => expressions.names[placeholder]!)
    .replace(/:\d+/g, (placeholder) => JSON.stringify(Object.values(expressions.values[placeholder]!)[0]))
}

test.each<[Guard, string]>([
  [{ op: 'exists', path: ['pk'] }, 'attribute_exists(pk)'],
  [{ op: 'absent', path: ['data', 'a', 3, 'b'] }, 'attribute_not_exists(data.a[3].b)'],
  [{ op: 'eq', left: n, right: { value: 5 } }, 'data.n = "5"'],
  [{ op: 'ne', left: n, right: { path: ['data', 'm'] } }, 'data.n <> data.m'],
  [{ op: 'lt', left: n, right: { value: 5 } }, 'data.n < "5"'],
  [{ op: 'lte', left: n, right: { value: 5 } }, 'data.n <= "5"'],
  [{ op: 'gt', left: { sizeOf: ['data', 'list'] }, right: { value: 5 } }, 'size(data.list) > "5"'],
  [{ op: 'gte', left: n, right: { value: 5 } }, 'data.n >= "5"'],
  [{ op: 'between', left: n, low: { value: 1 }, high: { value: 9 } }, 'data.n BETWEEN "1" AND "9"'],
  [{ op: 'in', left: n, values: ['x', 'y'] }, 'data.n IN ("x", "y")'],
  [{ op: 'beginsWith', path: ['sk'], value: 'ab' }, 'begins_with(sk, "ab")'],
  [{ op: 'contains', path: ['data'], value: true }, 'contains(data, true)'],
  [{ op: 'type', path: ['data'], type: 'SS' }, 'attribute_type(data, "SS")'],
  [{ op: 'not', of: { op: 'exists', path: ['a'] } }, '(NOT attribute_exists(a))'],
  [
    {
      op: 'or',
      of: [
        {
          op: 'and',
          of: [
            { op: 'exists', path: ['a'] },
            { op: 'absent', path: ['b'] },
          ],
        },
        { op: 'exists', path: ['c'] },
      ],
    },
    '((attribute_exists(a) AND attribute_not_exists(b)) OR attribute_exists(c))',
  ],
])('%j', (guard, text) => expect(readable((expressions) => expressions.condition(guard))).toBe(text))

test.each<[RowChange[], string]>([
  [[{ op: 'set', path: ['data', 'a'], value: 1 }], 'SET data.a = "1"'],
  [[{ op: 'setIfAbsent', path: ['data'], value: 'x' }], 'SET data = if_not_exists(data, "x")'],
  [[{ op: 'add', path: ['n'], value: 2 }], 'SET n = if_not_exists(n, "0") + "2"'],
  [[{ op: 'append', path: ['l'], value: [] }], 'SET l = list_append(if_not_exists(l, []), [])'],
  [[{ op: 'prepend', path: ['l'], value: [1] }], 'SET l = list_append([{"N":"1"}], if_not_exists(l, []))'],
  [[{ op: 'addToSet', path: ['s'], value: new Set(['x']) }], 'ADD s ["x"]'],
  [[{ op: 'removeFromSet', path: ['s'], value: new Set(['x']) }], 'DELETE s ["x"]'],
  [[{ op: 'remove', path: ['a', 0] }], 'REMOVE a[0]'],
  [
    [
      { op: 'remove', path: ['a'] },
      { op: 'removeFromSet', path: ['b'], value: new Set(['x']) },
      { op: 'set', path: ['c'], value: 1 },
      { op: 'addToSet', path: ['d'], value: new Set(['y']) },
      { op: 'set', path: ['e'], value: 2 },
      { op: 'remove', path: ['f'] },
    ],
    'SET c = "1", e = "2" REMOVE a, f ADD d ["y"] DELETE b ["x"]',
  ],
])('%j', (changes, text) => expect(readable((expressions) => expressions.update(changes))).toBe(text))

test('a name has one placeholder however often it is used, a value one each time', () => {
  const expressions = new Expressions()
  expect(expressions.hasValues).toBe(false)
  expect([expressions.path(['a', 'b']), expressions.path(['b', 1, 'a'])]).toEqual(['#0.#1', '#1[1].#0'])
  expect(expressions.hasValues).toBe(false)
  expect([expressions.value('x'), expressions.value('x')]).toEqual([':0', ':1'])
  expect(expressions.hasValues).toBe(true)
  expect(expressions.names).toEqual({ '#0': 'a', '#1': 'b' })
  expect(expressions.values).toEqual({ ':0': { S: 'x' }, ':1': { S: 'x' } })
})

test('no name and no value is ever part of the text', () => {
  const evil = 'x = :y OR attribute_exists(z)'
  const expressions = new Expressions()
  const text = expressions.condition({ op: 'eq', left: { path: [evil] }, right: { value: evil } })
  expect(text).toBe('#0 = :0')
})
