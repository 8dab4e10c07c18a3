/** `npm run sim -- --seed N --steps M`: runs one seed, says what it found, and shows the history around it. */
import { parseArgs } from 'node:util'
import { HistoryError, readHistory, writeHistory } from '../checkers/history.ts'
import { type Finding, judge } from './judge.ts'
import { simulateSeed } from './run.ts'
import { around, type TraceLine } from './trace.ts'
import { libraryVersion } from './version.ts'

const usage = `npm run sim -- --seed N [--steps M] [--save FILE]   run a seed (N, or N@version as a report prints it)
npm run sim -- --history FILE                       check a saved history again`

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    steps: { type: 'string', default: '1000' },
    save: { type: 'string' },
    history: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
})

function fail(message: string): never {
  console.error(message)
  process.exit(2)
}

function wholeNumber(text: string | undefined, name: string): number {
  const number = Number(text)
  if (text === undefined || text === '' || !Number.isSafeInteger(number) || number < 0)
    fail(`--${name} must be a whole number from 0, got ${text ?? 'nothing'}\n${usage}`)
  return number
}

/** A seed decides a history only together with the sources that made it. */
function warnAboutVersion(recorded: string | undefined, what: string): void {
  const version = libraryVersion()
  if (recorded !== undefined && recorded !== version)
    console.warn(
      `${what} is from version ${recorded}, and this is ${version}: the same seed gives another history here. Check out that version to see what happened there.\n`,
    )
}

function report(findings: readonly Finding[], show: (finding: Finding) => string[]): void {
  for (const finding of findings.slice(0, 3)) {
    console.log(`\n${finding.kind}: ${finding.message}\n`)
    for (const line of show(finding)) console.log(line)
  }
  if (findings.length > 3) console.log(`\n... and ${findings.length - 3} more`)
  console.log(`\n${findings.length === 0 ? 'no anomalies' : `${findings.length} anomalies`}`)
  process.exitCode = findings.length === 0 ? 0 : 1
}

async function checkFile(file: string): Promise<void> {
  try {
    const history = await readHistory(file)
    warnAboutVersion(history.header.library, 'this history')
    const { findings, histories } = judge(history.events)
    console.log(
      `seed ${history.header.seed}: ${history.events.length} events, ${histories} histories checked`,
    )
    report(findings, (finding) => around(finding, history.events, []))
  } catch (error) {
    if (error instanceof HistoryError) fail(`${file}: ${error.message}`)
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') fail(`${file}: there is no such file`)
    throw error
  }
}

async function runSeed(): Promise<void> {
  const [text, version] = (values.seed ?? '').split('@')
  const seed = wholeNumber(text, 'seed')
  const steps = wholeNumber(values.steps, 'steps')
  warnAboutVersion(version, 'this seed')
  const faults: TraceLine[] = []
  const started = performance.now()
  const run = await simulateSeed({ seed, steps, trace: (text, at) => faults.push({ at, text }) })
  const seconds = (performance.now() - started) / 1000
  const met = Object.entries(run.faults).filter(([, count]) => count > 0)
  console.log(`seed ${seed}@${libraryVersion()}, ${steps} steps, digest ${run.digest}`)
  console.log(
    `${run.operations} operations in ${(run.simulatedMs / 1000).toFixed(0)} simulated seconds (${seconds.toFixed(1)} s, ${(run.simulatedMs / 1000 / seconds).toFixed(0)} times real time)`,
  )
  console.log(`faults: ${met.map(([name, count]) => `${name} ${count}`).join(', ') || 'none'}`)
  if (values.save) {
    await writeHistory(values.save, run.history)
    console.log(`history written to ${values.save}`)
  }
  report(run.findings, (finding) => around(finding, run.history.events, faults))
}

if (values.help) console.log(usage)
else if (values.history) await checkFile(values.history)
else if (values.seed === undefined) fail(usage)
else await runSeed()
