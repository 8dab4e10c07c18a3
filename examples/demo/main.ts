import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type AtomicDbInterface, AtomicMemoryDb } from 'lockrow'
import { type Input, readInput } from './input.ts'
import { audit, fillStock, placeOrder, ship } from './shop.ts'

// Told by the SDK at its first client otherwise, in the middle of what this prints.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'

/**
 * A small shop: concurrent handlers place the orders of a file against shared stock, workers ship them through the
 * queue, and at the end everything must add up. `npm run demo`, or `npm run demo -- --dynamo`.
 */
const usage = `npm run demo -- [--orders FILE] [--dynamo] [--handlers N] [--workers N]

  --orders FILE   JSON lines: {"product","stock"} and {"order","product","quantity","customer"}
  --dynamo        on DynamoDB Local (or the server at DYNAMODB_ENDPOINT) rather than on the twin
  --handlers N    handlers that place orders at the same time (default 8)
  --workers N     workers that ship at the same time (default 3)`

const defaultFile = fileURLToPath(new URL('./orders.jsonl', import.meta.url))

function options() {
  const { values } = parseArgs({
    options: {
      orders: { type: 'string', default: defaultFile },
      dynamo: { type: 'boolean', default: false },
      handlers: { type: 'string', default: '8' },
      workers: { type: 'string', default: '3' },
      help: { type: 'boolean', default: false },
    },
  })
  const count = (name: 'handlers' | 'workers') => {
    const n = Number(values[name])
    if (!Number.isSafeInteger(n) || n < 1 || n > 1000)
      throw new Error(`--${name} must be a whole number from 1 to 1000, got '${values[name]}'`)
    return n
  }
  return { ...values, handlers: count('handlers'), workers: count('workers') }
}

interface Opened {
  db: AtomicDbInterface
  where: string
  close(): Promise<void>
}

async function openDynamo(): Promise<Opened> {
  // Loaded only when asked for: the twin needs neither the AWS SDK nor Java.
  const [{ DynamoDBClient }, { AtomicDynamoDB, createTable }, { startDynamoDBLocal }] = await Promise.all([
    import('@aws-sdk/client-dynamodb'),
    import('lockrow/dynamo'),
    import('lockrow/testing'),
  ])
  const local = await startDynamoDBLocal()
  const client = new DynamoDBClient({
    endpoint: local.endpoint,
    region: 'local',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  })
  const table = `demo-${process.pid}-${Date.now()}`
  await createTable(client, table)
  return {
    db: new AtomicDynamoDB(client, table),
    where: `DynamoDB Local at ${local.endpoint}`,
    close: () => local.stop(),
  }
}

async function run({ db, where }: Opened, input: Input, handlers: number, workers: number): Promise<boolean> {
  const total = input.orders.length
  console.log(
    `${total} orders for ${input.stock.length} products, ${handlers} handlers, ${workers} workers, on ${where}`,
  )
  await fillStock(db, input.stock)
  const counts = { accepted: 0, rejected: 0, races: 0, shipped: 0 }
  const show = () =>
    console.log(
      `  ${counts.accepted + counts.rejected}/${total} orders: ${counts.accepted} accepted, ${counts.rejected} rejected, ${counts.races} races retried, ${counts.shipped} shipped`,
    )
  const waiting = input.orders.slice()
  const step = Math.max(1, Math.ceil(total / 8))
  const handler = async () => {
    for (let line = waiting.shift(); line; line = waiting.shift()) {
      const { order, races } = await placeOrder(db, line)
      counts[order.state]++
      counts.races += races
      if ((counts.accepted + counts.rejected) % step === 0) show()
    }
  }
  let placed = false
  const shipping = Array.from({ length: workers }, () =>
    ship(
      db,
      () => placed,
      () => {
        counts.shipped++
      },
    ),
  )
  await Promise.all(Array.from({ length: handlers }, handler)).finally(() => {
    placed = true
  })
  await Promise.all(shipping)
  show()
  const wrong = await audit(db, input.stock, input.orders)
  for (const line of wrong) console.error(`  WRONG: ${line}`)
  console.log(wrong.length === 0 ? 'Stock, orders and jobs add up.' : `${wrong.length} things do not add up.`)
  return wrong.length === 0
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
  if (!existsSync(given.orders)) {
    console.error(`there is no file ${given.orders}`)
    return 2
  }
  const input = await readInput(given.orders)
  for (const { line, problem } of input.problems)
    console.error(`  ${given.orders}:${line}: ${problem}; passed over`)
  const opened = given.dynamo
    ? await openDynamo()
    : { db: new AtomicMemoryDb(), where: 'the in-memory twin', close: async () => {} }
  process.once('SIGINT', () => {
    console.error('stopped')
    opened.close().finally(() => process.exit(130))
  })
  try {
    return (await run(opened, input, given.handlers, given.workers)) ? 0 : 1
  } finally {
    await opened.close()
  }
}

process.exitCode = await main()
