import { expect, test } from 'vitest'
import { sdkFaults, zeroSdkCounts } from '../../../src/testing/faults/kinds.ts'

test('every fault is counted from zero, each count by itself', () => {
  const counts = zeroSdkCounts()
  expect(Object.keys(counts)).toEqual([...sdkFaults])
  counts.reset++
  expect(zeroSdkCounts().reset).toBe(0)
})
