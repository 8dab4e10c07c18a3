import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { AtomicDbInterface } from 'lockrow'
import type { HttpHandler } from '../http.ts'
import { OUTBOX, productKey } from '../shop.ts'
import type { WorkerHandler } from '../worker.ts'
import { audit, type Check } from './audit.ts'
import { getOrder, getStock, lambdaContext, postOrder, scheduleEvent, streamEvent } from './events.ts'

export interface Handlers {
  api: HttpHandler
  read: HttpHandler
  worker: WorkerHandler
}

export interface ScenarioOptions {
  orders: number
  signal: AbortSignal
  /** Runs a worker that dies in the middle. Default: in a process of its own. */
  crash?: () => Promise<void>
  say: (line: string) => void
}

interface Answer {
  status: number
  body: { id?: string; left?: number; state?: string; error?: { code: string } }
}

const BUYERS = 12

/** A day in the shop, told by events. Returns what was checked. */
export async function scenario(
  db: AtomicDbInterface,
  { api, read, worker }: Handlers,
  { orders, signal, say, crash = () => crashedWorker(signal) }: ScenarioOptions,
): Promise<Check[]> {
  const checks: Check[] = []
  const placed = new Set<string>()
  const stock = { boot: orders * 2, hat: 10, lamp: 1 }
  for (const [product, left] of Object.entries(stock))
    await db.set({ ...productKey(product), data: { left } })

  const order = async (body: object, key?: string): Promise<Answer> => {
    signal.throwIfAborted()
    const answer = answerOf(await api(postOrder(body, key), lambdaContext('api')))
    if (answer.status <= 201 && answer.body.id) placed.add(answer.body.id)
    return answer
  }
  const look = async (event: ReturnType<typeof getOrder>): Promise<Answer> =>
    answerOf(await read(event, lambdaContext('read')))
  const check = (what: string, ok: boolean) => checks.push({ what, ok })

  say(`${orders} orders at the same time`)
  const many = await Promise.all(
    Array.from({ length: orders }, (_, i) =>
      order({ product: 'boot', quantity: 1 + (i % 2), customer: `c${i}` }),
    ),
  )
  check(`${orders} concurrent orders: all 201`, many.every(is(201)) && placed.size === orders)

  say('one order sent five times with the same key, then another one under that key')
  const hat = { product: 'hat', quantity: 2, customer: 'ann' }
  const first = await order(hat, 'key-1')
  const repeats = await Promise.all([1, 2, 3, 4].map(() => order(hat, 'key-1')))
  const reused = await order({ ...hat, quantity: 3 }, 'key-1')
  const same = repeats.every((repeat) => repeat.body.id === first.body.id)
  check('repeated key: 201, then 200 with the same order', is(201)(first) && repeats.every(is(200)) && same)
  check('key reused for another order: 422', reused.status === 422)

  say(`${BUYERS} buyers want the last lamp`)
  const lamps = await Promise.all(
    Array.from({ length: BUYERS }, (_, i) => order({ product: 'lamp', quantity: 1, customer: `c${i}` })),
  )
  const [sold, refused] = [201, 409].map((status) => lamps.filter(is(status)).length)
  check(`last piece: ${sold} bought it, ${refused} got 409`, sold === 1 && refused === BUYERS - 1)

  const messages = await db.queuePeek({ pk: OUTBOX, limit: 100 })
  say('a worker takes messages and is killed after its first commit')
  await crash()
  const left = await db.queuePeek({ pk: OUTBOX, limit: 100 })
  const hanging = left.filter(({ receiveCount }) => receiveCount > 0).length
  check(`killed worker: ${hanging} messages hang until their claim runs out`, hanging > 0)

  say('the worker is woken by the inserts, then by its schedule until the outbox is empty')
  await worker(streamEvent(messages), lambdaContext('worker', 30_000))
  const runs = await untilEmpty(db, worker, signal)
  check(`outbox empty after ${runs} scheduled runs`, runs <= MAX_RUNS)

  say('what the reader says')
  const shipped = await look(getOrder(first.body.id ?? ''))
  check('GET /orders/{id}: shipped', is(200)(shipped) && shipped.body.state === 'shipped')
  const lamp = await look(getStock('lamp'))
  check('GET /stock/lamp: none left', is(200)(lamp) && lamp.body.left === 0)
  check('GET of what is not there: 404', is(404)(await look(getOrder('0'.repeat(32)))))

  return [...checks, ...(await audit(db, stock, placed))]
}

const MAX_RUNS = 60
const EVERY_MS = 500

/** The schedule, faster than EventBridge's. */
async function untilEmpty(
  db: AtomicDbInterface,
  worker: WorkerHandler,
  signal: AbortSignal,
): Promise<number> {
  for (let runs = 1; runs <= MAX_RUNS; runs++) {
    await worker(scheduleEvent(OUTBOX), lambdaContext('worker', 30_000))
    const { ready, inFlight, delayed } = await db.queueStats(OUTBOX)
    if (ready + inFlight + delayed === 0) return runs
    await db.runtime.sleep(EVERY_MS, { signal })
  }
  return Number.POSITIVE_INFINITY
}

/** Runs crash.ts to its violent end, with the loader that this process has. */
async function crashedWorker(signal: AbortSignal): Promise<void> {
  const child = fork(fileURLToPath(new URL('./crash.ts', import.meta.url)), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const stop = () => child.kill('SIGKILL')
  signal.addEventListener('abort', stop)
  process.once('exit', stop)
  try {
    const [, killedBy] = await once(child, 'exit')
    if (killedBy !== 'SIGKILL') throw new Error('the worker that should be killed ended by itself')
  } finally {
    signal.removeEventListener('abort', stop)
    process.off('exit', stop)
  }
}

const is =
  (status: number) =>
  (answer: Answer): boolean =>
    answer.status === status

const answerOf = ({ statusCode = 200, body = '{}' }: { statusCode?: number; body?: string }): Answer => ({
  status: statusCode,
  body: JSON.parse(body) as Answer['body'],
})
