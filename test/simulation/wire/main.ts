/** `npm run prove:wire`: random histories by real clients through fault proxies, until there are enough operations. */
import { parseArgs } from 'node:util'
import { startDynamoDBLocal } from '../../../src/testing/dynamo-local.ts'
import { runInProcesses } from '../pool.ts'
import { libraryVersion } from '../version.ts'
import { addResult, doubtful, emptyReport, terminalReport, unseenFaults, type WireResult } from './report.ts'
import type { WireTask } from './worker.ts'

// Told by the SDK at its first client otherwise, in the middle of what this prints.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'

const usage = `npm run prove:wire -- [--operations N] [--seed FIRST] [--run OPERATIONS OF A RUN] [--transport sdk|direct]
npm run prove:wire -- --seed N --operations 1000     one run again`

const { values } = parseArgs({
  options: {
    operations: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    run: { type: 'string', default: '1000' },
    transport: { type: 'string', default: 'sdk' },
    help: { type: 'boolean', short: 'h' },
  },
})

function wholeNumber(name: 'operations' | 'seed' | 'run'): number {
  const number = Number(values[name])
  if (values[name] !== '' && Number.isSafeInteger(number) && number >= 1) return number
  console.error(`--${name} must be a whole number from 1, got ${values[name]}\n${usage}`)
  process.exit(2)
}

if (values.help) {
  console.log(usage)
  process.exit()
}
const { transport } = values
if (transport !== 'sdk' && transport !== 'direct') {
  console.error(`--transport must be sdk or direct, got ${transport}\n${usage}`)
  process.exit(2)
}
const operations = wholeNumber('operations')
const share = wholeNumber('run')
let seed = wholeNumber('seed')

const stopped = new AbortController()
process.once('SIGINT', () => {
  console.log('\nstopping: the report covers what was done so far (again Ctrl-C to leave at once)')
  stopped.abort()
  process.once('SIGINT', () => process.exit(130))
})

const report = emptyReport(transport)
const started = performance.now()
const elapsed = () => Math.round((performance.now() - started) / 1000)
let planned = 0
let shownAt = 0

function show(result: WireResult): void {
  const replay = `npm run prove:wire -- --seed ${result.seed} --operations ${result.operations} --transport ${transport}`
  const [first] = result.findings
  if (first) {
    console.log(`\nseed ${result.seed}: ${first.kind}: ${first.message}\n\n${result.around.join('\n')}`)
    console.log(`\n${result.findings.length} findings; again: ${replay}\n`)
  }
  const isTerminal = process.stdout.isTTY
  if (performance.now() - shownAt < (isTerminal ? 200 : 10_000)) return
  shownAt = performance.now()
  const text = `${report.operations} of ${operations} operations, ${report.findings.length} false answers, ${elapsed()} s`
  if (isTerminal) process.stdout.write(`\r\x1b[K${text}`)
  else console.log(text)
}

console.log(`lockrow ${libraryVersion()}, node ${process.version}, from seed ${seed}`)
const server = await startDynamoDBLocal({ timeoutMs: 60_000 })
try {
  await runInProcesses<WireTask, WireResult>({
    script: new URL('./worker.ts', import.meta.url),
    next() {
      if (planned >= operations) return undefined
      const size = Math.min(share, operations - planned)
      planned += size
      return { endpoint: server.endpoint, seed: seed++, operations: size, transport }
    },
    onResult(result) {
      addResult(report, result)
      show(result)
    },
    signal: stopped.signal,
  })
} finally {
  await server.stop()
}
console.log(`\n${terminalReport(report)}\n${elapsed()} s`)

const missed: string[] = []
const { quiet, unknown } = doubtful(report)
// A short run cannot meet everything.
if (operations >= 100_000 && !stopped.signal.aborted) {
  if (report.operations < operations) missed.push(`only ${report.operations} operations`)
  for (const fault of unseenFaults(report)) missed.push(`the fault '${fault}' never struck`)
  if (unknown * 100 > quiet) missed.push(`${unknown} of ${quiet} lost replies left in doubt, more than 1 %`)
}
for (const what of missed) console.error(`not reached: ${what}`)
process.exit(report.findings.length > 0 || missed.length > 0 ? 1 : stopped.signal.aborted ? 130 : 0)
