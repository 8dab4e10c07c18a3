import { expect, test } from 'vitest'
import { coordinationKey, mustBeOurs, nameOf } from '../../src/coordination/coordination-key.ts'

const key = { pk: 'p', sk: 'a' }

test('a key with two texts, and not that of a lock', () => {
  expect(coordinationKey({ ...key, data: 1 } as never)).toEqual(key)
  for (const given of [
    undefined,
    null,
    'p/a',
    {},
    { pk: 'p' },
    { sk: 'a' },
    { ...key, pk: '' },
    { ...key, sk: '' },
    { pk: 1, sk: 2 },
  ])
    expect(() => coordinationKey(given as never)).toThrow(expect.objectContaining({ field: 'key' }))
  expect(() => coordinationKey({ pk: 'p', sk: 'a#lock' })).toThrow(expect.objectContaining({ field: 'sk' }))
  expect(nameOf(key)).toBe('p/a')
})

test('a row that is there has one of the fields', () => {
  mustBeOurs(undefined, 'token')
  mustBeOurs({ ...key, data: { line: [] } }, 'token', 'line')
  for (const data of [undefined, null, 7, 'token', {}, { other: 1 }])
    expect(() => mustBeOurs({ ...key, data }, 'token', 'line')).toThrow(/is that of an item or a message/)
})
