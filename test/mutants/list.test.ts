import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { mutants } from './list.ts'
import { patched } from './patch.ts'

test.each(mutants.map((mutant) => [`${mutant.file}: ${mutant.name}`, mutant] as const))(
  '%s can be planted',
  (_name, mutant) => {
    const source = readFileSync(new URL(`../../${mutant.file}`, import.meta.url), 'utf8')
    expect(patched(source, mutant)).not.toBe(source)
  },
)

test('the tests that the list names are there', () => {
  const named = [...new Set(mutants.flatMap(({ tests }) => tests))]
  expect(named.filter((path) => !existsSync(new URL(`../../${path}`, import.meta.url)))).toEqual([])
})
