import { expect, test } from 'vitest'
import { simulatedFaults, zeroCounts } from '../../../src/testing/sim/faults.ts'

test('every fault is counted from zero, each count by itself', () => {
  const counts = zeroCounts()
  expect(Object.keys(counts)).toEqual([...simulatedFaults])
  counts.throttled++
  expect(zeroCounts().throttled).toBe(0)
})
