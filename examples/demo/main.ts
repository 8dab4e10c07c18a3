import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { audit, type Losses, lossCount } from './audit.ts'
import { faultRates } from './dice.ts'
import { type Input, readInput } from './input.ts'
import { lossTable, ProgressLine } from './screen.ts'
import { fillStock } from './shop.ts'
import { runTraffic, type Shop, shopByHand, shopOnLockrow } from './traffic.ts'
import { twinWorld, type World } from './world.ts'

// Told by the SDK at its first client otherwise, in the middle of what this prints.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'

/**
 * A small shop, twice: first as it is written by hand, then on lockrow. The same orders, concurrent handlers and workers,
 * faults and seed; at the end everything is counted. `npm run demo`, or `npm run demo -- --dynamo`.
 */
const usage = `npm run demo -- [--orders FILE] [--dynamo | --sqlite FILE] [--seed TEXT] [--handlers N] [--workers N]

  --orders FILE   JSON lines: {"product","stock"} and {"order","product","quantity","customer"}
  --dynamo        on DynamoDB Local (or the server at DYNAMODB_ENDPOINT) rather than on the twin
  --sqlite FILE   in a new SQLite file, which stays to be looked at
  --seed TEXT     decides which requests meet a fault, and on the twin everything that happens (default 1)
  --handlers N    handlers that place orders at the same time (default 8)
  --workers N     workers that ship at the same time (default 3)`

const defaultFile = fileURLToPath(new URL('./orders.jsonl', import.meta.url))

function options() {
  const { values } = parseArgs({
    options: {
      orders: { type: 'string', default: defaultFile },
      dynamo: { type: 'boolean', default: false },
      sqlite: { type: 'string' },
      seed: { type: 'string', default: '1' },
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
  if (values.dynamo && values.sqlite !== undefined) throw new Error('give --dynamo or --sqlite, not both')
  return { ...values, handlers: count('handlers'), workers: count('workers') }
}

type Given = ReturnType<typeof options>

/** One way to write the shop, from the first order to what is wrong at the end. */
async function runShop(
  name: string,
  world: World,
  shopOf: (world: World) => Shop,
  input: Input,
  { handlers, workers }: Given,
): Promise<{ name: string; losses: Losses; kills: number }> {
  const line = new ProgressLine(name)
  return world.run(async () => {
    await fillStock(world.truth, input.stock)
    const { kills } = await runTraffic(world, shopOf(world), input.orders, {
      handlers,
      workers,
      onProgress: ({ answered, total }) => line.show(answered, total),
    })
    return { name, losses: await audit(world.truth, input.stock, input.orders), kills }
  })
}

async function open(given: Given): Promise<{ where: string; open: () => Promise<World> }> {
  if (given.sqlite !== undefined) {
    const { sqliteWorlds } = await import('./sqlite-world.ts')
    return sqliteWorlds(given.sqlite, given.seed)
  }
  if (!given.dynamo) return { where: 'the in-memory twin', open: async () => twinWorld(given.seed) }
  // Loaded only when asked for: the twin needs neither the AWS SDK nor Java.
  const { dynamoWorlds } = await import('./dynamo-world.ts')
  return dynamoWorlds(given.seed)
}

async function run(given: Given, input: Input): Promise<number> {
  const worlds = await open(given)
  const percent = (rate: number) => `${rate * 100} %`
  console.log(`${input.orders.length} orders for ${input.stock.length} products, ${given.handlers} handlers, ${given.workers} workers, on ${worlds.where}, seed ${given.seed}.
${percent(faultRates.throttled)} of the requests are throttled, ${percent(faultRates.lostReply)} of the replies are lost${given.dynamo || given.sqlite !== undefined ? '' : ', and every process is killed within 2 seconds and replaced'}.
By hand: get, check, put, then send the job to a queue service; the SDK repeats what fails.
`)
  const opened: World[] = []
  process.once('SIGINT', () => {
    console.error('\nstopped')
    Promise.all(opened.map((world) => world.close())).finally(() => process.exit(130))
  })
  const columns: { name: string; losses: Losses; kills: number }[] = []
  try {
    for (const [name, shopOf] of [
      ['by hand', shopByHand],
      ['lockrow', shopOnLockrow],
    ] as const) {
      const world = await worlds.open()
      opened.push(world)
      columns.push(await runShop(name, world, shopOf, input, given))
    }
  } finally {
    for (const world of opened) await world.close()
  }
  return report(columns)
}

function report(columns: readonly { name: string; losses: Losses }[]): number {
  const [byHand, ours] = columns.map(({ losses }) => lossCount(losses)) as [number, number]
  console.log(`\n${lossTable(columns)}\n`)
  if (ours > 0) {
    console.error('WRONG: on lockrow everything must add up. Please report it with the seed.')
    return 1
  }
  if (byHand === 0)
    console.log('This time it went well by hand too. More orders, or another --seed, find out.')
  console.log(`On lockrow everything adds up: order, stock and job commit together, or not at all.

What to read next:
  examples/demo/by-hand.ts   the shop by hand: which of its lines is wrong?
  examples/demo/shop.ts      the same on lockrow
  docs/transactions.md       why it cannot lose an update
  docs/queue.md              messages that commit together with data`)
  return 0
}

async function main(): Promise<number> {
  let given: Given
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
  if (input.orders.length === 0) {
    console.error(`${given.orders} has no valid order: nothing to do\n\n${usage}`)
    return 2
  }
  try {
    return await run(given, input)
  } catch (error) {
    if (given.sqlite === undefined) throw error
    // A file that is there, a driver that is not: the message says what to do.
    console.error((error as Error).message)
    return 2
  }
}

process.exitCode = await main()
