import { describe, expect, it } from 'vitest'
import { cacheRun } from './workload.ts'

describe('the contract of the cache, over random histories', () => {
  it.each([1, 2, 3, 4])('seeds of group %i break no rule', async (group) => {
    let hits = 0
    for (let seed = group * 100; seed < group * 100 + 6; seed++) {
      const run = await cacheRun(seed)
      expect(run.findings.map(({ rule, message }) => `seed ${seed}: ${rule}: ${message}`)).toEqual([])
      expect(run.reads.default).toBeGreaterThan(100)
      hits += run.hits
    }
    expect(hits).toBeGreaterThan(100)
  })

  it('one seed is one history', async () => {
    expect(await cacheRun(7)).toEqual(await cacheRun(7))
  })
})
