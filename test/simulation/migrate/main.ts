/**
 * `npm run prove:migrate -- [--items 1000000] [--local 50000] [--writers 16] [--kills 10] [--seed 1]`: a migration of so many items on
 * the twin and on DynamoDB Local, beside writers of both versions, killed again and again. Fails when an item is lost, or an
 * entry of an index is missing, stale or orphaned.
 */
import { parseArgs } from 'node:util'
import { AtomicDynamoDB } from '../../../src/dynamo/database.ts'
import { AtomicEngine } from '../../../src/engine/engine.ts'
import { MemoryStorage } from '../../../src/memory/storage.ts'
import { TestRuntime } from '../../../src/testing/conformance/kit.ts'
import { startDynamoDBLocal } from '../../../src/testing/dynamo-local.ts'
import { freshTable, localClient } from '../../setup/local.ts'
import { type MigrationReport, runMigration } from './run.ts'

const { values } = parseArgs({
  options: {
    items: { type: 'string', default: '1000000' },
    local: { type: 'string', default: '50000' },
    writers: { type: 'string', default: '16' },
    kills: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
  },
})
const whole = (name: keyof typeof values): number => {
  const value = Number(values[name])
  if (Number.isSafeInteger(value) && value >= 0) return value
  console.error(`--${name} must be a whole number from 0, got ${values[name]}`)
  process.exit(2)
}
const log = (line: string) => console.log(`  ${line}`)
const shared = { writers: whole('writers'), kills: whole('kills'), seed: whole('seed'), log }
let isWrong = false

function show(where: string, { problems, wrong, lost, seconds, ...counts }: MigrationReport): void {
  console.log(
    where,
    counts,
    `${problems} problems, ${wrong} wrong entries, ${lost} items lost, ${seconds.toFixed(0)} s`,
  )
  if (problems + wrong + lost > 0) isWrong = true
}

if (whole('items') > 0) {
  const runtime = new TestRuntime()
  const storage = new MemoryStorage(runtime)
  const open = () => new AtomicEngine(storage, { runtime })
  show(
    'twin',
    await runMigration({ ...shared, items: whole('items'), open, advance: (ms) => runtime.advance(ms) }),
  )
}
if (whole('local') > 0) {
  const runtime = new TestRuntime()
  const server = await startDynamoDBLocal()
  const client = localClient(server.endpoint)
  try {
    const table = await freshTable(client, 'migrate')
    const open = () => new AtomicDynamoDB(client, table, { runtime })
    const run = { ...shared, items: whole('local'), open, advance: (ms: number) => runtime.advance(ms) }
    show('DynamoDB Local', await runMigration(run))
  } finally {
    client.destroy()
    await server.stop()
  }
}
process.exitCode = isWrong ? 1 : 0
