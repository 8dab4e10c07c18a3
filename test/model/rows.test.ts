import { expect, test } from 'vitest'
import { asList, fromItem, isItem, itemOrNone, toCurrent, toItem, toLock } from '../../src/model/rows.ts'

const key = { pk: 'p', sk: 'a' }
const item = { ...key, data: 1, ttl: 100 }
const lock = { ...key, version: 'v', ttl: 100 }

test('an item is live and has no version', () => {
  expect(isItem(item, 99)).toBe(true)
  expect(isItem(item, 100)).toBe(false)
  expect(isItem(lock, 99)).toBe(false)
  expect(isItem(undefined, 0)).toBe(false)
  expect(itemOrNone(item, 99)).toEqual(item)
  expect(itemOrNone(item, 100)).toBeUndefined()
})

test('callers see key, data and ttl, in whole seconds', () => {
  expect(toItem({ ...item, w: 'write', n: 1, ttl: 99.2 } as never)).toEqual({ ...key, data: 1, ttl: 100 })
  expect(toItem({ ...key, data: 1, ttl: 'soon' } as never)).toEqual({ ...key, data: 1 })
  expect(toLock({ ...lock, other: 1 } as never)).toEqual(lock)
  expect(toCurrent(item, 99)).toEqual(item)
  expect(toCurrent(lock, 99)).toEqual(lock)
  expect(toCurrent(lock, 100)).toBeUndefined()
})

test('the row of an item is checked and copied', () => {
  const data = { list: [1] }
  const row = fromItem({ ...key, data, ttl: 5 })
  expect(row).toEqual({ ...key, data, ttl: 5 })
  expect(row.data).not.toBe(data)
  expect(fromItem(key as never)).toEqual(key)
  const refused = (given: object, field: string) =>
    expect(() => fromItem(given as never, 'items[2]')).toThrow(expect.objectContaining({ field }))
  refused({ pk: 'p' }, 'items[2].sk')
  refused({ ...key, data: { a: undefined } }, 'items[2].data.a')
  refused({ ...key, data: 1, ttl: 'x' }, 'items[2].ttl')
  refused({ ...key, value: 1 }, 'items[2].value')
  refused({ ...key, data: 'x'.repeat(400 * 1024) }, 'items[2]')
})

test('one, or a list', () => {
  expect(asList(1)).toEqual([1])
  expect(asList([1, 2])).toEqual([1, 2])
})
