import type { RandomMutant } from './operators.ts'

export type Fate = 'killed' | 'timed out' | 'survived' | 'not run by any test'

export interface Outcome {
  mutant: RandomMutant
  fate: Fate
  /** The test that failed, or how many test files passed. */
  by?: string
  ms: number
}

export const isDead = ({ fate }: Outcome): boolean => fate === 'killed' || fate === 'timed out'

const lines = (sign: string, text: string): string =>
  text
    .split('\n')
    .map((line) => `  ${sign} ${line}`)
    .join('\n')

export const line = ({ mutant, fate, by, ms }: Outcome): string =>
  `${fate.padEnd(9)} ${(ms / 1000).toFixed(1).padStart(6)} s  ${mutant.id}${by ? `  (${by})` : ''}`

/** What survived, and the sum. */
export function report(outcomes: readonly Outcome[], seconds: number): string {
  const survivors = outcomes.filter((outcome) => !isDead(outcome))
  const count = (fate: Fate) => outcomes.filter((outcome) => outcome.fate === fate).length
  const dead = outcomes.length - survivors.length
  const share = outcomes.length === 0 ? 0 : (100 * dead) / outcomes.length
  const parts = survivors.map(
    ({ mutant, fate }) => `\n${mutant.id}  ${fate}\n${lines('-', mutant.from)}\n${lines('+', mutant.to)}`,
  )
  return [
    ...parts,
    `\n${dead} of ${outcomes.length} mutants killed (${share.toFixed(1)} %), ${count('timed out')} of them by time; ` +
      `${(seconds / Math.max(1, outcomes.length)).toFixed(1)} s per mutant`,
  ].join('\n')
}
