import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { mutants } from './list.ts'

test.each(mutants.map((mutant) => [`${mutant.file}: ${mutant.name}`, mutant] as const))(
  '%s can be planted',
  (_name, { file, from, to }) => {
    const source = readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8')
    expect(source.split(from)).toHaveLength(2)
    expect(to).not.toBe(from)
  },
)
