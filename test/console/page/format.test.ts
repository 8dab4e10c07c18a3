import { expect, it } from 'vitest'
import {
  bytes,
  count,
  cut,
  dateText,
  distance,
  duration,
  ulidTime,
  unitsText,
} from '../../../src/console/page/format.ts'

it('times, sizes and numbers for people', () => {
  expect([0, 5, 999, 1000, 61_000, 3_600_000, 90_061_000].map(duration)).toEqual([
    '0 s',
    '5 ms',
    '999 ms',
    '1 s',
    '1 min 1 s',
    '1 h',
    '1 d 1 h',
  ])
  expect(distance(5000, 0)).toBe('in 5 s')
  expect(distance(0, 5000)).toBe('5 s ago')
  expect(count(1234, true)).toBe('1,234+')
  expect([0.5, 12.34, 1234.5].map(unitsText)).toEqual(['0.5', '12.3', '1,235'])
  expect([5, 2048, 20_480, 3 * 1024 * 1024].map(bytes)).toEqual(['5 B', '2.0 KB', '20 KB', '3.0 MB'])
  expect(dateText(Number.NaN)).toBe('NaN')
  expect(dateText(Date.UTC(2026, 0, 2, 12))).toMatch(/^2026-01-0\d \d\d:\d\d:00$/)
  expect(ulidTime('01ARZ3NDEKTSV4RRFFQ69G5FAV')).toBe(1_469_922_850_259)
  expect(ulidTime('none')).toBeUndefined()
  expect(cut('abcdef', 4)).toBe('abc…')
})
