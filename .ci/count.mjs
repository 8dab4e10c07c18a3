// Prints what a report of vitest says; a file that could not even be loaded counts as one failure.
import { existsSync, readFileSync } from 'node:fs'

const path = process.argv[2]
const report = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined
const unloaded =
  report?.testResults.filter((f) => f.status === 'failed' && f.assertionResults.length === 0) ?? []
console.log(
  `${report?.numPassedTests ?? 0} passed, ${(report?.numFailedTests ?? 0) + unloaded.length} failed`,
)
