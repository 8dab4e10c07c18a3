import { expect, test } from 'vitest'
import { metricDimension } from '../../src/otel/metric-names.ts'

test.each([
  ['jobs#shard1', 'jobs#shard1'],
  ['100%', '100%25'],
  [':x', '%3Ax'],
  [' x', '%20x'],
  ['ä\n', '%C3%A4%0A'],
  ['\ud800', '%EF%BF%BD'],
  ['x'.repeat(1025), 'x'.repeat(1024)],
])('%j is %j', (value, dimension) => {
  expect(metricDimension(value)).toBe(dimension)
})

test('an empty one is refused', () => {
  expect(() => metricDimension('')).toThrow(RangeError)
})
