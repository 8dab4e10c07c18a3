import { AtomicMemoryDb } from 'lockrow'
import { conformanceSuite } from '../../../src/testing/conformance/suite.ts'

/** The conformance suite on the twin, as a page runs it: the results are in `conformance` when `finished`. */

type Body = () => unknown
const results = { passed: 0, failed: [] as string[], finished: false }
Object.assign(globalThis, { conformance: results })

const names: string[] = []
const tests: [name: string, body: Body][] = []
const atTheEnd: Body[] = []

conformanceSuite(
  {
    describe: (name, body) => {
      names.push(name)
      body()
      names.pop()
    },
    it: (name, body) => tests.push([[...names, name].join(' > '), body]),
    afterAll: (body) => atTheEnd.push(body),
  },
  'the twin',
  {
    open: (runtime) => ({
      client: (
        (db) => () =>
          db
      )(new AtomicMemoryDb({ runtime })),
    }),
  },
)

for (const [name, body] of tests) {
  try {
    await body()
    results.passed++
  } catch (error) {
    results.failed.push(`${name}: ${error instanceof Error ? error.stack : error}`)
  }
}
for (const body of atTheEnd) await body()
results.finished = true
