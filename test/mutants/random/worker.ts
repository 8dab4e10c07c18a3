/** A process that keeps one vitest alive, and runs the tests that it is told with the mutant that it is told. */
import { once } from 'node:events'
import { join } from 'node:path'
import { createVitest, type TestModule, type TestSpecification } from 'vitest/node'
import {
  type FileResult,
  nothing,
  type RunRequest,
  type RunResult,
  type Said,
  type WorkerStart,
  watching,
} from './messages.ts'

const [start] = (await once(process, 'message')) as [WorkerStart]
const sources = new Map(start.sources)
const say = (said: Said) => process.send!(said)

/** The files run in the order in which they are asked for: the likeliest to fail comes first. */
class AsGiven {
  sort = async (files: TestSpecification[]) => files
  shard = async (files: TestSpecification[]) => files
}

const sayFile = ({ moduleId }: TestModule): void => void say({ at: moduleId })

const vitest = await createVitest(
  'test',
  {
    root: start.root,
    watch: false,
    // One thread at a time: the processes beside this one are as many as there are cores.
    maxWorkers: 1,
    fileParallelism: false,
    globalSetup: [],
    setupFiles: [join(start.root, 'test/mutants/random/setup.ts')],
    reporters: [{ onTestModuleQueued: sayFile, onTestModuleStart: sayFile }],
    provide: {
      dynamoEndpoint: start.dynamoEndpoint,
      mutant: nothing,
      selected: {},
      passedBy: start.passedBy,
    },
    sequence: { sequencer: AsGiven },
    env: { SIM_SEEDS: '10' },
  },
  { plugins: [{ name: 'mutants', enforce: 'pre', load: (id: string) => sources.get(id.split('?')[0]!) }] },
)
await vitest.init()
const project = vitest.getRootProject()

function resultOf(module: TestModule): FileResult {
  const { collectDuration, prepareDuration, setupDuration } = module.diagnostic()
  const ran = [...module.children.allTests()].filter((test) => test.result().state !== 'skipped')
  return {
    file: module.moduleId,
    ok: module.ok(),
    overheadMs: collectDuration + prepareDuration + setupDuration,
    tests: ran.map((test) => ({ id: test.id, ms: test.diagnostic()?.duration ?? 0 })),
  }
}

function failureIn(modules: readonly TestModule[]): RunResult['failure'] {
  for (const module of modules) {
    const { moduleId: file, relativeModuleId: name } = module
    for (const test of module.children.allTests('failed'))
      return { file, test: test.id, text: `${name}: ${test.fullName}` }
    if (!module.ok()) return { file, text: `${name}: ${module.errors()[0]?.message ?? 'failed'}` }
  }
  return undefined
}

async function run({ mutant, selections, testTimeoutMs }: RunRequest): Promise<RunResult> {
  vitest.config.bail = mutant === watching ? 0 : 1
  project.config.bail = vitest.config.bail
  project.config.testTimeout = testTimeoutMs
  project.provide('mutant', mutant)
  const some = selections.filter(({ tests }) => tests !== undefined)
  project.provide('selected', Object.fromEntries(some.map(({ file, tests }) => [file, tests!])))
  // Results of an earlier run do not count.
  vitest.state.filesMap.clear()
  vitest.state.errorsSet.clear()
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(
    selections.map(({ file }) => project.createSpecification(file)),
  )
  const files = testModules.map(resultOf)
  const failure = failureIn(testModules)
  if (failure) return { files, failure }
  const [error] = unhandledErrors as { VITEST_TEST_PATH?: string; message?: string }[]
  if (!error) return { files }
  const file = error.VITEST_TEST_PATH ?? selections.at(-1)!.file
  return { files, failure: { file, text: `an unhandled error: ${error.message}` } }
}

// What a test prints is of no interest here.
process.stdout.write = () => true
process.on('message', async (request: RunRequest) => {
  try {
    say({ done: await run(request) })
  } catch (error) {
    say({ done: { files: [], fault: String((error as Error).stack) } })
  }
})
process.on('disconnect', () => process.exit(0))
say({ ready: true })
