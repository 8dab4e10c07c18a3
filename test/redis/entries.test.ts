import { describe, expect, test } from 'vitest'
import {
  absent,
  anything,
  commitValues,
  entryOf,
  rowOf,
  staying,
  versionOf,
} from '../../src/redis/entries.ts'

const key = { pk: 'a', sk: 'b' }
const hour = 3_600_000

describe('rows on their way to Redis', () => {
  test('come back as they were, under a version of their own each time', () => {
    const row = { ...key, data: { n: 1, name: 'ä' } }
    const [one, two] = [entryOf({ put: row }, anything, 0), entryOf({ put: row }, anything, 0)]
    expect(rowOf(key, one.value)).toEqual(row)
    expect(versionOf(one.value)).toHaveLength(16)
    expect(versionOf(one.value)).not.toBe(versionOf(two.value))
    expect(rowOf(key, null)).toBeUndefined()
    expect(versionOf(null)).toBe(absent)
  })

  test.each([
    ['an hour longer than it counts', 100, 40_000, String(60_000 + hour)],
    ['an hour where it has expired already', 1, 40_000, String(hour)],
    ['for ever without one', undefined, 0, ''],
    ['for ever where it is no number', 'soon', 0, ''],
    ['for ever where it is further than a server counts', 9e15, 0, ''],
  ])('the server keeps a row %s', (_, ttl, now, kept) => {
    expect(entryOf({ put: { ...key, ttl: ttl as number } }, anything, now).keptMs).toBe(kept)
  })

  test('what the script is given', () => {
    const entries = [entryOf({ delete: key }, 'v', 5), staying({ pk: 'c', sk: 'd' }, absent)]
    expect(commitValues(entries, 5.5, 'token', 'outline')).toEqual([
      'token',
      'outline',
      '5',
      '600000',
      'a',
      'b',
      'v',
      '',
      '',
      'c',
      'd',
      '',
      '=',
      '',
    ])
  })
})
