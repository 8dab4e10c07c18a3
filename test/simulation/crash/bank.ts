import { type ChildProcess, fork } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { AtomicDynamoDB, createTable } from '../../../src/dynamo/index.ts'
import { Random } from '../../../src/testing/random.ts'
import { localClient } from '../local/run.ts'

export interface Account {
  balance: number
}
export interface Transfer {
  to: string
  amount: number
}

export const accounts = Array.from({ length: 6 }, (_, i) => ({ pk: 'account', sk: `a${i}` }))
export const queue = 'transfers'
const each = 100

export interface CrashResult {
  kills: number
  operations: number
  /** Money in the accounts and in the queue: must be what there was at the start. */
  total: number
  expected: number
  negative: number
}

const script = fileURLToPath(new URL('./worker.ts', import.meta.url))

/** Workers move money between accounts and through a queue; they are killed with SIGKILL at random and replaced. */
export async function crashBank(options: {
  endpoint: string
  seed: number
  seconds: number
  workers?: number
  signal?: AbortSignal
}): Promise<CrashResult> {
  const { endpoint, seed, seconds, workers = 4, signal } = options
  const random = new Random(seed)
  const client = localClient(endpoint)
  const table = `crash-${seed}-${Math.floor(Math.random() * 1e9)}`
  await createTable(client, table, { ttl: false })
  const db = new AtomicDynamoDB(client, table)
  await db.set(accounts.map((key) => ({ ...key, data: { balance: each } })))

  let operations = 0
  let kills = 0
  const running = new Set<ChildProcess>()
  const start = () => {
    const child = fork(script, [endpoint, table, String(random.int(1e9))], {
      execArgv: ['--import', 'tsx'],
      env: { ...process.env, NODE_NO_WARNINGS: '1' },
    })
    child.on('message', (count: number) => {
      operations += count
      busy.add(child)
    })
    child.on('exit', () => {
      running.delete(child)
      busy.delete(child)
    })
    running.add(child)
  }
  /** Those that have done something: only killing them is worth it. */
  const busy = new Set<ChildProcess>()
  const kill = (child: ChildProcess) =>
    new Promise<void>((resolve) => {
      child.once('exit', () => resolve())
      child.kill('SIGKILL')
    })
  try {
    for (let i = 0; i < workers; i++) start()
    const end = performance.now() + seconds * 1000
    while (performance.now() < end && !signal?.aborted) {
      await sleep(random.between(50, 400))
      const victim = busy.size > 0 ? random.pick([...busy]) : undefined
      if (!victim) continue
      await kill(victim)
      kills++
      start()
    }
  } finally {
    await Promise.all([...running].map(kill))
  }
  const found = await db.query<Account>({ pk: 'account' })
  const sent = await db.query<Transfer>({ pk: queue })
  client.destroy()
  const balances = found.map((item) => item.data.balance)
  const total =
    balances.reduce((sum, one) => sum + one, 0) + sent.reduce((sum, { data }) => sum + data.amount, 0)
  return {
    kills,
    operations,
    total,
    expected: each * accounts.length,
    negative: balances.filter((balance) => balance < 0).length,
  }
}
