/** A process that keeps one vitest alive, and runs the tests that it is told with the mutant that it is told. */
import { once } from 'node:events'
import { join } from 'node:path'
import { createVitest, type TestSpecification } from 'vitest/node'
import type { RunRequest, RunResult, WorkerStart } from './messages.ts'

const [start] = (await once(process, 'message')) as [WorkerStart]
const sources = new Map(start.sources)

/** The files run in the order in which they are asked for: the likeliest to fail comes first. */
class AsGiven {
  sort = async (files: TestSpecification[]) => files
  shard = async (files: TestSpecification[]) => files
}

const vitest = await createVitest(
  'test',
  {
    root: start.root,
    watch: false,
    bail: 1,
    // One thread at a time: the processes beside this one are as many as there are cores.
    maxWorkers: 1,
    fileParallelism: false,
    globalSetup: [],
    setupFiles: [join(start.root, 'test/mutants/random/setup.ts')],
    reporters: [{}],
    provide: { dynamoEndpoint: start.dynamoEndpoint, mutant: -1, passedBy: start.passedBy },
    sequence: { sequencer: AsGiven },
    env: { SIM_SEEDS: '10' },
  },
  { plugins: [{ name: 'mutants', enforce: 'pre', load: (id: string) => sources.get(id.split('?')[0]!) }] },
)
await vitest.init()
const project = vitest.getRootProject()

async function run({ mutant, files, bail }: RunRequest): Promise<RunResult> {
  vitest.config.bail = bail ? 1 : 0
  project.config.bail = vitest.config.bail
  project.provide('mutant', mutant)
  // Results of an earlier run do not count.
  vitest.state.filesMap.clear()
  const specifications = files.map((file) => project.createSpecification(file))
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(specifications)
  const times = testModules.map((module) => ({
    file: module.moduleId,
    ok: module.ok(),
    ms:
      module.diagnostic().duration +
      module.diagnostic().collectDuration +
      module.diagnostic().prepareDuration,
  }))
  for (const module of testModules)
    for (const test of module.children.allTests('failed'))
      return { times, killedBy: `${module.relativeModuleId}: ${test.fullName}` }
  const broken = testModules.find((module) => !module.ok())
  if (broken)
    return { times, killedBy: `${broken.relativeModuleId}: ${broken.errors()[0]?.message ?? 'failed'}` }
  if (unhandledErrors.length > 0) return { times, killedBy: 'an unhandled error' }
  return { times }
}

// What a test prints is of no interest here.
process.stdout.write = () => true
process.on('message', async (request: RunRequest) => {
  try {
    process.send!(await run(request))
  } catch (error) {
    process.send!({ times: [], fault: String((error as Error).stack) } satisfies RunResult)
  }
})
process.on('disconnect', () => process.exit(0))
process.send!({ ready: true })
