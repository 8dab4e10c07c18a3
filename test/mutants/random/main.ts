/**
 * `npm run mutants -- --sample 200 --seed N`: mutants drawn at random over the rooms with logic, and the quick tests
 * that pass by them. `--rooms collections,jobs` draws from other rooms, `--rooms upper` from those above. `--only ID`
 * runs one again, `--tests lru,model/keys` with the tests of these paths alone.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { startDynamoDBLocal } from '../../../src/testing/dynamo-local.ts'
import { accepted, allMutants, core, shuffled } from './draw.ts'
import { Judge, type Numbered } from './judge.ts'
import { type FileResult, watching } from './messages.ts'
import { Pool } from './pool.ts'
import { isDead, line, type Outcome, report } from './report.ts'
import { switched } from './switched.ts'
import { quickTests, readPassedBy, type Watched } from './tests.ts'

export interface RandomOptions {
  root: string
  sample: number
  seed: string
  /** Folders of src. @default those of the core */
  rooms?: readonly string[]
  /** Mutants by their id. */
  only?: readonly string[]
  /** Test files by a part of their path. @default the quick ones */
  tests?: readonly string[]
  /** Processes. @default one more than there are cores: tests wait, too */
  workers?: number
  /** A server that runs. @default one of its own */
  dynamoEndpoint?: string
}

const seconds = (since: number): number => Math.round((performance.now() - since) / 1000)

const progress = (text: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}

/** So many mutants of the seed that the compiler accepts. */
function draw({ root, sample, seed, only, rooms = core }: RandomOptions): Numbered[] {
  const all = allMutants(root, only ? undefined : rooms)
  if (only) {
    const chosen = all.filter(({ id }) => only.includes(id))
    if (chosen.length !== only.length) throw new Error('no such mutant: ids are as the report shows them')
    return chosen.map((mutant, index) => ({ ...mutant, index }))
  }
  const { drawn, refused } = accepted(root, shuffled(all, seed), sample, (looked) =>
    progress(`drawing ${sample}: the compiler has looked at ${looked}`),
  )
  console.log(
    `${drawn.length} of ${all.length} mutants drawn by seed ${seed}; the compiler refused ${refused}`,
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
async function watch(pool: Pool, files: readonly string[], passedBy: string): Promise<Watched> {
  const passing = new Map<string, FileResult>()
  let done = 0
  await pool.each(files, async (file, worker) => {
    const selections = [{ file, limitMs: 300_000 }]
    const ended = await worker.run({ mutant: watching, selections, testTimeoutMs: 60_000 })
    progress(`watching the tests: ${++done} of ${files.length}`)
    if (pool.isStopped) return
    const result = 'result' in ended ? ended.result : undefined
    const [found] = result?.files ?? []
    if (found?.ok && !result?.failure) passing.set(file, found)
    else
      console.log(
        `left out, for it fails without a mutant: ${file} (${result?.failure?.text ?? result?.fault ?? 'it does not end'})`,
      )
  })
  return { files: passing, passedBy: pool.isStopped ? new Map() : readPassedBy(passedBy) }
}

/** What becomes of each mutant. */
async function judgeAll(pool: Pool, mutants: readonly Numbered[], watched: Watched): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  const judge = new Judge(watched)
  await pool.each(mutants, async (mutant, worker) => {
    const outcome = await judge.judge(mutant, worker)
    if (pool.isStopped) return
    outcomes.push(outcome)
    progress('')
    console.log(line(outcome))
    progress(`${outcomes.length} of ${mutants.length}, ${outcomes.filter(isDead).length} killed`)
  })
  return outcomes
}

/** What became of each mutant; fewer than were drawn when it was stopped. */
export async function runRandom(options: RandomOptions): Promise<{ outcomes: Outcome[]; unjudged: number }> {
  const begun = performance.now()
  const mutants = draw(options)
  const folder = mkdtempSync(join(tmpdir(), 'lockrow-mutants-'))
  const server = options.dynamoEndpoint ? undefined : await startDynamoDBLocal()
  const start = {
    root: options.root,
    dynamoEndpoint: options.dynamoEndpoint ?? server!.endpoint,
    sources: sources(options.root, mutants),
    passedBy: join(folder, 'passed-by.jsonl'),
  }
  const pool = new Pool(start, options.workers ?? availableParallelism() + 1)
  const stop = () => pool.stop()
  process.once('SIGINT', stop)
  try {
    const files = quickTests(options.root).filter(
      (file) => options.tests?.some((part) => file.includes(part)) ?? true,
    )
    const watched = await watch(pool, files, start.passedBy)
    console.log(`${watched.files.size} test files watched in ${seconds(begun)} s`)
    const outcomes = await judgeAll(pool, mutants, watched)
    progress('')
    console.log(report(outcomes, seconds(begun)))
    const unjudged = mutants.length - outcomes.length
    if (unjudged > 0) console.log(`stopped: ${unjudged} mutants were not judged`)
    return { outcomes, unjudged }
  } finally {
    process.removeListener('SIGINT', stop)
    pool.stop()
    await server?.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}
