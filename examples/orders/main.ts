import { parseArgs } from 'node:util'
import { DeleteTableCommand } from '@aws-sdk/client-dynamodb'
import { createTable } from 'lockrow/dynamo'
import { startDynamoDBLocal } from 'lockrow/testing'
import { openClient, openDb } from './db.ts'
import { scenario } from './run/scenario.ts'

// Told by the SDK at its first client otherwise, in the middle of what this prints.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'

/** The functions of the example, driven by events on DynamoDB Local: `npm run example`. */
const usage = `npm run example -- [--endpoint URL] [--orders N] [--logs]

  --endpoint URL   a DynamoDB Local that runs already (default: DYNAMODB_ENDPOINT, else one is started)
  --orders N       orders placed at the same time, 1 to 80 (default 24)
  --logs           show what the functions log`

function options() {
  const { values } = parseArgs({
    options: {
      endpoint: { type: 'string' },
      orders: { type: 'string', default: '24' },
      logs: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const orders = Number(values.orders)
  if (!Number.isSafeInteger(orders) || orders < 1 || orders > 80)
    throw new Error(`--orders must be a whole number from 1 to 80, got '${values.orders}'`)
  if (values.endpoint !== undefined && !/^https?:$/.test(protocolOf(values.endpoint)))
    throw new Error(`--endpoint must be a URL such as http://localhost:8000, got '${values.endpoint}'`)
  return { ...values, orders }
}

const protocolOf = (text: string): string => (URL.canParse(text) ? new URL(text).protocol : '')

/** The environment that Lambda would give; nothing of this machine's AWS settings is left. */
function enter(endpoint: string, table: string): void {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name]
  Object.assign(process.env, {
    AWS_REGION: 'local',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
    TABLE_NAME: table,
    VISIBILITY_SECONDS: '2',
  })
}

const aborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    signal.throwIfAborted()
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })

type Print = (line: string) => void

async function run(orders: number, endpoint: string, signal: AbortSignal, print: Print): Promise<boolean> {
  const table = `orders-${process.pid}-${Date.now()}`
  enter(endpoint, table)
  const client = openClient()
  await createTable(client, table)
  try {
    // As in Lambda: the environment first, then the modules, each with a client of its own.
    const [{ handler: api }, { handler: read }, { handler: worker }] = await Promise.all([
      import('./lambda/api.ts'),
      import('./lambda/read.ts'),
      import('./lambda/worker.ts'),
    ])
    const say = (line: string) => print(`- ${line}`)
    // Ctrl-C does not wait for the requests under way.
    const checks = await Promise.race([
      scenario(openDb(), { api, read, worker }, { orders, signal, say }),
      aborted(signal),
    ])
    print('')
    for (const { what, ok } of checks) print(`  ${ok ? 'ok   ' : 'WRONG'} ${what}`)
    const wrong = checks.filter(({ ok }) => !ok).length
    print(wrong === 0 ? `\nAll ${checks.length} checks hold.` : `\n${wrong} checks do not hold.`)
    return wrong === 0
  } finally {
    await client.send(new DeleteTableCommand({ TableName: table }))
    client.destroy()
  }
}

/** The server; its start can be interrupted, and from then on it outlives the interruption until the table is gone. */
async function startServer(signal: AbortSignal) {
  const starting = new AbortController()
  const abort = () => starting.abort(signal.reason)
  signal.addEventListener('abort', abort)
  try {
    return await startDynamoDBLocal({ signal: starting.signal })
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

async function main(): Promise<number> {
  let given: ReturnType<typeof options>
  try {
    given = options()
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`)
    return 2
  }
  if (given.help) {
    console.log(usage)
    return 0
  }
  if (given.endpoint) process.env.DYNAMODB_ENDPOINT = given.endpoint
  // What the functions print is their log.
  const write = process.stdout.write.bind(process.stdout)
  if (!given.logs) process.stdout.write = () => true
  const interrupt = new AbortController()
  // The second Ctrl-C finds no listener and ends the process at once.
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupt.abort())
  const { signal } = interrupt
  try {
    const local = await startServer(signal)
    try {
      write(`on DynamoDB Local at ${local.endpoint}\n`)
      return (await run(given.orders, local.endpoint, signal, (line) => write(`${line}\n`))) ? 0 : 1
    } finally {
      await local.stop()
    }
  } catch (error) {
    if (!signal.aborted) throw error
    console.error('stopped')
    return 130
  }
}

process.exitCode = await main()
// Requests that were interrupted would only try again a server that is gone.
if (process.exitCode === 130) process.exit()
