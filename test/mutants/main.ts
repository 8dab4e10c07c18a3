/**
 * `npm run mutants`: mutation testing by hand-made mutants. Each is one textual change of the sources in a copy of
 * the project; the tests named with it must fail. What survives is a gap in the tests. `--sample 200 --seed N` draws
 * mutants at random instead, see random/main.ts.
 * R. DeMillo, R. Lipton, F. Sayward, Hints on Test Data Selection, IEEE Computer 1978.
 */
import { spawn } from 'node:child_process'
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startDynamoDBLocal } from '../../src/testing/dynamo-local.ts'
import { type Mutant, mutants } from './list.ts'
import { patched } from './patch.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const copy = join(root, '.tmp', 'mutants')
const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    sample: { type: 'string' },
    seed: { type: 'string', default: '1' },
    rooms: { type: 'string' },
    tests: { type: 'string' },
  },
})

// A mutant drawn at random is named by its file, line and column.
const ids = values.only?.match(/\.ts:\d+:/) ? values.only.split(',') : undefined
if (values.sample || ids) {
  const { runRandom } = await import('./random/main.ts')
  const { isDead } = await import('./random/report.ts')
  const { upper } = await import('./random/draw.ts')
  const rooms = values.rooms === 'upper' ? upper : values.rooms?.split(',')
  const options = { root, sample: Number(values.sample ?? 0), seed: values.seed }
  const chosen = {
    ...(rooms && { rooms }),
    ...(ids && { only: ids }),
    ...(values.tests && { tests: values.tests.split(',') }),
  }
  const { outcomes, unjudged } = await runRandom({ ...options, ...chosen })
  process.exit(unjudged === 0 && outcomes.every(isDead) ? 0 : 1)
}

const chosen = mutants.filter(({ file, name }) => !values.only || `${file} ${name}`.includes(values.only))
await rm(copy, { recursive: true, force: true })
await mkdir(copy, { recursive: true })
for (const name of ['src', 'test', 'infra', 'examples', 'package.json', 'tsconfig.json', 'vitest.config.ts'])
  await cp(join(root, name), join(copy, name), { recursive: true }).catch(() => {})
await symlink(join(root, 'node_modules'), join(copy, 'node_modules'))

/** The list must fit the sources, or minutes pass before it is noticed. */
for (const mutant of chosen) {
  try {
    patched(await readFile(join(copy, mutant.file), 'utf8'), mutant)
  } catch (error) {
    console.error(`${error}: mend the list`)
    process.exit(2)
  }
}

const server = await startDynamoDBLocal()
const children = new Set<ReturnType<typeof spawn>>()
let stopped = false
process.once('SIGINT', () => {
  stopped = true
  for (const child of children) child.kill('SIGKILL')
})

/** Whether the tests pass. */
function passes(tests: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn('npx', ['vitest', 'run', '--bail', '1', '--testTimeout', '20000', ...tests], {
      cwd: copy,
      stdio: 'ignore',
      env: { ...process.env, DYNAMODB_ENDPOINT: server.endpoint, SIM_SEEDS: '25' },
    })
    children.add(child)
    // A mutant that loops for ever is found as well.
    const timer = setTimeout(() => child.kill('SIGKILL'), 300_000)
    child.on('exit', (code) => {
      clearTimeout(timer)
      children.delete(child)
      resolve(code === 0)
    })
  })
}

async function survives(mutant: Mutant): Promise<boolean> {
  const { file, tests } = mutant
  const path = join(copy, file)
  const source = await readFile(path, 'utf8')
  await writeFile(path, patched(source, mutant))
  try {
    return await passes(tests)
  } finally {
    await writeFile(path, source)
  }
}

let failed = 0
try {
  const all = [...new Set(chosen.flatMap(({ tests }) => tests))]
  if (!(await passes(all))) throw new Error(`the tests fail without any mutant: ${all.join(', ')}`)
  const survivors: Mutant[] = []
  for (const mutant of chosen) {
    if (stopped) break
    const survived = await survives(mutant)
    if (survived) survivors.push(mutant)
    console.log(`${survived ? 'SURVIVED' : 'killed  '}  ${mutant.file}: ${mutant.name}`)
  }
  console.log(`\n${chosen.length - survivors.length} of ${chosen.length} mutants killed`)
  failed = survivors.length
} finally {
  await server.stop()
  await rm(copy, { recursive: true, force: true })
}
process.exit(failed > 0 ? 1 : 0)
