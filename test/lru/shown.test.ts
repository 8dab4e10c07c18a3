import { expect, test } from 'vitest'
import { shownItems, showsItems } from '../../src/lru/shown.ts'

const a = { pk: 'p', sk: 'a', data: 1 }
const key = { pk: 'p', sk: 'b' }

test('which reads past the cache show whole items', () => {
  expect((['getTogether', 'getLocked', 'query', 'page'] as const).every(showsItems)).toBe(true)
  expect((['get', 'count', 'set', 'queuePull'] as const).some(showsItems)).toBe(false)
})

test('the items in their answers, missing ones too', () => {
  const both = [a, key]
  expect(shownItems('getTogether', [a, undefined], [both])).toEqual([
    [a, a],
    [key, undefined],
  ])
  expect(shownItems('getLocked', [{ item: a }, {}], [both])).toEqual([
    [a, a],
    [key, undefined],
  ])
  expect(shownItems('query', [a], [{ pk: 'p' }])).toEqual([[a, a]])
  expect(shownItems('page', { items: [a] }, [{ pk: 'p' }])).toEqual([[a, a]])
})

test('some fields say nothing of the whole item', () => {
  expect(shownItems('query', [a], [{ pk: 'p', fields: ['x'] }])).toEqual([])
  expect(shownItems('page', { items: [a] }, [{ pk: 'p', fields: ['x'] }])).toEqual([])
})
