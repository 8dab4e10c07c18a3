import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { filesIn } from './draw.ts'
import type { FileResult, Selection } from './messages.ts'

/** Where the quick tests are. Those of the package, the CLI, the CDK and the long proofs are not among them. */
const quick = [
  'collections',
  'conformance',
  'contract',
  'coordination',
  'direct',
  'dynamo',
  'engine',
  'jobs',
  'lru',
  'memory',
  'model',
  'recipes',
  'schedules',
  'streams',
  'transactions',
  'worker',
]

const single = [
  'test/mutants/survivors.test.ts',
  'test/simulation/regressions.test.ts',
  'test/simulation/sim.test.ts',
  'test/simulation/cache/cache.test.ts',
]

/** The same suite on the same server, through a client in which no mutant is drawn. */
const twice = ['test/conformance/direct.test.ts']

/** They begin first, so that the others run beside them. */
const longest = ['test/conformance/dynamo.test.ts', 'test/coordination/heartbeat-thread.test.ts']

export const quickTests = (root: string): string[] =>
  [...longest, ...quick.flatMap((room) => filesIn(root, `test/${room}`, '.test.ts')), ...single]
    .filter((file, i, all) => all.indexOf(file) === i && !twice.includes(file))
    .map((file) => join(root, file))

/** What a watched run of the tests tells. */
export interface Watched {
  /** Every test file that passes without a mutant. */
  files: ReadonlyMap<string, FileResult>
  /** By the number of a mutant and by file, the tests that pass by it; undefined: all tests of the file may. */
  passedBy: ReadonlyMap<number, ReadonlyMap<string, ReadonlySet<string> | undefined>>
}

interface Line {
  file: string
  outside: number[]
  tests: Record<string, number[]>
}

export function readPassedBy(path: string): Watched['passedBy'] {
  const passedBy = new Map<number, Map<string, Set<string> | undefined>>()
  const of = (index: number) => {
    const known = passedBy.get(index) ?? new Map<string, Set<string> | undefined>()
    passedBy.set(index, known)
    return known
  }
  for (const text of readFileSync(path, 'utf8').trim().split('\n')) {
    const { file, outside, tests } = JSON.parse(text) as Line
    for (const [id, indexes] of Object.entries(tests))
      for (const index of indexes) of(index).set(file, (of(index).get(file) ?? new Set()).add(id))
    for (const index of outside) of(index).set(file, undefined)
  }
  return passedBy
}

/** What a selection takes without a mutant, ms. */
export function usualMs({ overheadMs, tests }: FileResult, chosen: readonly string[]): number {
  const wanted = new Set(chosen)
  return tests.reduce((sum, { id, ms }) => sum + (wanted.has(id) ? ms : 0), overheadMs)
}

/** Longer than this takes only what never ends. The machine may be under load. */
export const limitMs = (usual: number): number => 10_000 + 8 * usual

const roomOf = (path: string): string | undefined => path.match(/(?:src|test)\/([^/]+)/)?.[1]

/** How much likelier a test of the file's own name, or of its room, finds the mutant. */
function weight(source: string, test: string): number {
  if (test.endsWith(source.replace(/^src/, 'test').replace(/\.ts$/, '.test.ts'))) return 0.05
  return roomOf(test.slice(test.lastIndexOf('/test/') + 1)) === roomOf(source) ? 0.3 : 1
}

/** The engine passes the conformance suite on the twin, whose tests are quick: DynamoDB tells nothing more of it. */
const isAgain = (source: string, test: string): boolean =>
  source.startsWith('src/engine/') && test.endsWith('/test/conformance/dynamo.test.ts')

/** The tests that can find the mutant, the likeliest and quickest ones first. */
export function selectionsFor(source: string, index: number, { files, passedBy }: Watched): Selection[] {
  return [...(passedBy.get(index) ?? [])]
    .filter(([file]) => files.has(file) && !isAgain(source, file))
    .map(([file, some]) => {
      const known = files.get(file)!
      const tests = known.tests.map(({ id }) => id).filter((id) => !some || some.has(id))
      const usual = usualMs(known, tests)
      return { at: usual * weight(source, file), selection: { file, tests, limitMs: limitMs(usual) } }
    })
    .sort((a, b) => a.at - b.at)
    .map(({ selection }) => selection)
}
