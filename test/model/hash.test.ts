import { expect, test } from 'vitest'
import { hashOf } from '../../src/model/hash.ts'

test('the hash of a text never changes: messages lie where older versions have put them', () => {
  expect(['', 'a', 'jobs', 'ä€😀'].map(hashOf)).toEqual([2166103257, 3826044192, 3825726586, 739062306])
})

test('texts spread evenly', () => {
  const counts = new Array<number>(8).fill(0)
  for (let i = 0; i < 8000; i++) counts[hashOf(`customer-${i}`) % 8]!++
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150)
})
