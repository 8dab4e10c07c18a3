// Adds up what reports of vitest say. A file that could not even be loaded counts as one failure, a report that is not
// there too, and under CI every test that was skipped.
import { existsSync, readFileSync } from 'node:fs'

let passed = 0
let failed = 0
for (const path of process.argv.slice(2)) {
  const report = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined
  const unloaded =
    report?.testResults.filter((f) => f.status === 'failed' && f.assertionResults.length === 0) ?? []
  passed += report?.numPassedTests ?? 0
  failed += report ? report.numFailedTests + unloaded.length : 1
  if (process.env.CI) failed += report?.numPendingTests ?? 0
}
console.log(`${passed} passed, ${failed} failed`)
