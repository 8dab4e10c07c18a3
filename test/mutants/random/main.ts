/**
 * `npm run mutants -- --sample 200 --seed N`: mutants drawn at random over the rooms with logic, and the quick tests
 * that pass by them. `--only ID` runs one again.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { startDynamoDBLocal } from '../../../src/testing/dynamo-local.ts'
import { allMutants, shuffled, typeCheck } from './draw.ts'
import type { RandomMutant } from './operators.ts'
import { Pool } from './pool.ts'
import { isDead, line, type Outcome, report } from './report.ts'
import { switched } from './switched.ts'
import { quickTests, readPassedBy, testsFor, type Watched } from './tests.ts'

export interface RandomOptions {
  root: string
  sample: number
  seed: string
  /** Mutants by their id. */
  only?: readonly string[]
  workers?: number
}

type Numbered = RandomMutant & { index: number }

const progress = (text: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}

/** So many mutants of the seed that the compiler accepts. */
function draw({ root, sample, seed, only }: RandomOptions): Numbered[] {
  const all = allMutants(root)
  if (only) {
    const chosen = all.filter(({ id }) => only.includes(id))
    if (chosen.length !== only.length) throw new Error('no such mutant: ids are as the report shows them')
    return chosen.map((mutant, index) => ({ ...mutant, index }))
  }
  const refused = typeCheck(root)
  const drawn: RandomMutant[] = []
  let skipped = 0
  for (const mutant of shuffled(all, seed)) {
    if (drawn.length === sample) break
    progress(`drawing: ${drawn.length} of ${sample}, the compiler refuses ${skipped}`)
    if (refused(mutant)) skipped++
    else drawn.push(mutant)
  }
  console.log(
    `${drawn.length} of ${all.length} mutants drawn by seed ${seed}; the compiler refused ${skipped}`,
  )
  return drawn.map((mutant, index) => ({ ...mutant, index }))
}

function sources(root: string, mutants: readonly Numbered[]): [string, string][] {
  return [...new Set(mutants.map(({ file }) => file))].map((file) => {
    const path = join(root, file)
    const within = mutants.filter((mutant) => mutant.file === file)
    return [path, switched(readFileSync(path, 'utf8'), within)]
  })
}

/** The tests without any mutant: how long they take, and which mutants they pass by. */
async function watch(pool: Pool, root: string, passedBy: string): Promise<Watched> {
  const times = new Map<string, number>()
  const files = quickTests(root)
  let done = 0
  await pool.each(
    files,
    (file) => ({ mutant: -1, files: [file], bail: false, timeoutMs: 300_000 }),
    (file, result) => {
      progress(`watching the tests: ${++done} of ${files.length}`)
      const [time] = result?.times ?? []
      if (time?.ok && !result?.killedBy) times.set(file, time.ms)
      else
        console.log(`left out, for it fails without a mutant: ${file} (${result?.killedBy ?? result?.fault})`)
    },
  )
  return { times, passedBy: readPassedBy(passedBy) }
}

/** Fails what the mutant's tests do not notice. */
async function judge(pool: Pool, mutants: readonly Numbered[], watched: Watched): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  const add = (outcome: Outcome) => {
    outcomes.push(outcome)
    progress('')
    console.log(line(outcome))
    progress(`${outcomes.length} of ${mutants.length}, ${outcomes.filter(isDead).length} killed`)
  }
  const tests = new Map(mutants.map((mutant) => [mutant, testsFor(mutant.file, mutant.index, watched)]))
  const usual = (mutant: Numbered) =>
    tests.get(mutant)!.reduce((sum, file) => sum + watched.times.get(file)!, 0)
  for (const mutant of mutants)
    if (tests.get(mutant)!.length === 0) add({ mutant, fate: 'not run by any test', ms: 0 })
  const started = new Map<Numbered, number>()
  await pool.each(
    mutants.filter((mutant) => tests.get(mutant)!.length > 0),
    (mutant) => {
      started.set(mutant, performance.now())
      const timeoutMs = 30_000 + 4 * usual(mutant)
      return { mutant: mutant.index, files: tests.get(mutant)!, bail: true, timeoutMs }
    },
    (mutant, result) => {
      const ms = performance.now() - started.get(mutant)!
      if (result?.fault) throw new Error(result.fault)
      if (!result) add({ mutant, fate: 'timed out', ms })
      else if (result.killedBy) add({ mutant, fate: 'killed', by: result.killedBy, ms })
      else add({ mutant, fate: 'survived', by: `${tests.get(mutant)!.length} test files pass`, ms })
    },
  )
  return outcomes
}

/** The number of survivors. */
export async function runRandom(options: RandomOptions): Promise<number> {
  const mutants = draw(options)
  const folder = mkdtempSync(join(tmpdir(), 'lockrow-mutants-'))
  const server = await startDynamoDBLocal()
  const start = {
    root: options.root,
    dynamoEndpoint: server.endpoint,
    sources: sources(options.root, mutants),
    passedBy: join(folder, 'passed-by.jsonl'),
  }
  const pool = new Pool(start, options.workers ?? availableParallelism())
  const stop = () => pool.stop()
  process.once('SIGINT', stop)
  try {
    const watched = await watch(pool, options.root, start.passedBy)
    const begun = performance.now()
    const outcomes = await judge(pool, mutants, watched)
    progress('')
    console.log(report(outcomes, (performance.now() - begun) / 1000))
    if (pool.isStopped) console.log(`stopped: ${mutants.length - outcomes.length} mutants were not judged`)
    return outcomes.filter((outcome) => !isDead(outcome)).length + mutants.length - outcomes.length
  } finally {
    process.removeListener('SIGINT', stop)
    pool.stop()
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}
