import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { patched } from '../../mutants/patch.ts'
import { drills } from '../index.ts'
import { defectClasses } from './defect.ts'
import { hunt } from './hunt.ts'
import { defects } from './list.ts'

const named = defects.map((defect) => [defect.name, defect] as const)

test.each(named)('%s: can be planted', (_name, { patches, drill }) => {
  expect(patches.length).toBeGreaterThan(0)
  for (const patch of patches) {
    const source = readFileSync(new URL(`../../../${patch.file}`, import.meta.url), 'utf8')
    expect(patched(source, patch)).not.toBe(source)
  }
  expect(drills.map(({ name }) => name)).toContain(drill)
})

test('names are unique, and every class has a planted defect', () => {
  expect(new Set(named.map(([name]) => name)).size).toBe(defects.length)
  expect([...new Set(defects.map((defect) => defect.class))].sort()).toEqual([...defectClasses].sort())
})

test('a text that is not there exactly once cannot be changed', () => {
  const patch = { file: 'a.ts', from: 'x', to: 'y' }
  expect(() => patched('a', patch)).toThrow(/0 times/)
  expect(() => patched('x x', patch)).toThrow(/2 times/)
})

/** The short form of `npm run prove:planted`. */
test.each(['a suspension does not count as time', 'the defaults bury what an outage of ten seconds fails'])(
  '%s: is found',
  async (name) => {
    const defect = defects.find((one) => one.name === name)!
    const { signal } = new AbortController()
    const hunted = await hunt(defect, { first: 1, seeds: 50, signal })
    expect(hunted).toEqual({ seed: expect.any(Number), kinds: expect.any(Array) })
  },
  60_000,
)
