import { describe, expect, it, test } from 'vitest'
import type { Storage } from '../../src/storage.ts'
import { unguarded, without } from '../simulation/defects.ts'
import { drills } from './index.ts'
import { drill } from './world.ts'

/** The short form of `npm run prove:drills`: each drill, and more of strict order, which has the most to go wrong. */
const seedsOf = (name: string) => Number(process.env.DRILL_SEEDS ?? (name === 'queue, strict' ? 6 : 2))

test.each(drills.map((drilled) => [drilled.name, drilled] as const))('%s', async (name, drilled) => {
  for (let seed = 1000; seed < 1000 + seedsOf(name); seed++) {
    const run = await drill(seed, drilled)
    expect(run.findings, `seed ${seed}`).toEqual([])
    expect(run.operations).toBeGreaterThan(5)
  }
})

test('one seed, one history', async () => {
  const drilled = drills[0]!
  const [one, two] = [await drill(7, drilled), await drill(7, drilled)]
  // Ids of attempts are random; what happened when is not.
  expect(two.events).toEqual(one.events)
})

describe('defects are found', () => {
  const named = (part: string) => drills.find(({ name }) => name === part)!
  const blind = (attribute: string) => (storage: Storage) => without(storage, unguarded(attribute))
  it.each([
    ['mutex by wall clock', 'owner', /too many holders|stale fence/],
    ['mutex, observed', 'beat', /too many holders|stale fence|unexpected/],
    ['mutex, fair', 'until', /too many holders|stale fence/],
    ['semaphore', 'holders', /too many holders/],
    ['read-write lock', 'readers', /too many holders|reader beside/],
    ['queue, plain', 'r', /stale receipt|lost|resurrected|duplicated/],
    ['queue, plain', 'due', /duplicated|stale receipt/],
    ['queue, deduplication', 'pk', /duplicated|unexpected/],
    ['numbers', 'n', /out of bounds|assigned twice|gap/],
  ])('%s without its guard on %s', async (name, attribute, kind) => {
    const found = new Set<string>()
    for (let seed = 1; seed <= 40; seed++) {
      const run = await drill(seed, named(name), blind(attribute))
      for (const finding of run.findings) found.add(finding.kind)
      if ([...found].some((one) => kind.test(one))) return
    }
    expect.fail(`not found in 40 seeds; found: ${[...found].join(', ') || 'nothing'}`)
  })
})
