import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { filesIn } from './draw.ts'

/** Where the quick tests are. Those of the package, the CLI, the CDK and the long proofs are not among them. */
const quick = [
  'conformance',
  'contract',
  'coordination',
  'dynamo',
  'engine',
  'lru',
  'memory',
  'model',
  'recipes',
  'transactions',
  'worker',
]

const single = [
  'test/mutants/survivors.test.ts',
  'test/simulation/regressions.test.ts',
  'test/simulation/sim.test.ts',
  'test/simulation/cache/cache.test.ts',
]

export const quickTests = (root: string): string[] =>
  [...quick.flatMap((room) => filesIn(root, `test/${room}`, '.test.ts')), ...single].map((file) =>
    join(root, file),
  )

/** What a watched run of the tests tells. */
export interface Watched {
  /** Milliseconds of every test file that passes without a mutant. */
  times: Map<string, number>
  /** Test files by the number of a mutant that they pass by. */
  passedBy: Map<number, string[]>
}

export function readPassedBy(path: string): Map<number, string[]> {
  const passedBy = new Map<number, string[]>()
  for (const line of readFileSync(path, 'utf8').trim().split('\n')) {
    const { file, seen } = JSON.parse(line) as { file: string; seen: number[] }
    for (const index of seen) passedBy.set(index, [...(passedBy.get(index) ?? []), file])
  }
  return passedBy
}

const roomOf = (path: string): string | undefined => path.match(/(?:src|test)\/([^/]+)/)?.[1]

/** The tests that can find the mutant: those of its own room first, then by how quick they are. */
export function testsFor(file: string, index: number, { times, passedBy }: Watched): string[] {
  const own = (test: string): number => (roomOf(test) === roomOf(file) ? 0 : 1)
  return (passedBy.get(index) ?? [])
    .filter((test) => times.has(test))
    .sort((a, b) => own(a) - own(b) || times.get(a)! - times.get(b)!)
}
