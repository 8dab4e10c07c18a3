import type { AtomicDbQueueItem } from 'lockrow'
import { placeByHand, shipByHand } from './by-hand.ts'
import type { OrderLine } from './input.ts'
import { placeOrder, shipOrder } from './shop.ts'
import { type Delivery, SideQueue } from './side-queue.ts'
import type { Process, World } from './world.ts'

/** One way to write the shop: what a handler does for an order, and a worker for the next job. */
export interface Shop {
  place(process: Process, line: OrderLine): Promise<unknown>
  /** False: there is nothing to ship at the moment. */
  shipNext(process: Process): Promise<boolean>
  /** Whether jobs are left. */
  isIdle(): Promise<boolean>
}

export function shopByHand({ dice }: World): Shop {
  const queue = new SideQueue<OrderLine>(dice)
  return {
    place: ({ runtime, table }, line) => placeByHand(runtime, table, queue, line),
    async shipNext({ runtime, table }) {
      const job: Delivery<OrderLine> | undefined = await queue.receive(runtime)
      if (job) await shipByHand(runtime, table, queue, job)
      return job !== undefined
    },
    isIdle: async () => queue.size === 0,
  }
}

/** How long a job is invisible to other workers: longer than shipping takes, so that a killed worker's comes back. */
const visibilitySeconds = 5

export function shopOnLockrow({ truth }: World): Shop {
  return {
    place: ({ db }, line) => placeOrder(db, line),
    async shipNext({ db }) {
      const options = { pk: 'shipping', ttlSeconds: visibilitySeconds }
      const { item }: { item?: AtomicDbQueueItem<OrderLine> } = await db.queuePull<OrderLine>(options)
      if (item) await shipOrder(db, item)
      return item !== undefined
    },
    isIdle: async () => (await truth.queuePeek({ pk: 'shipping', limit: 1 })).length === 0,
  }
}

/** What happened so far. */
export interface Progress {
  answered: number
  total: number
  /** Handlers and workers that were killed in the middle of something. */
  kills: number
}

export interface TrafficOptions {
  handlers: number
  workers: number
  onProgress?: (progress: Progress) => void
}

/** A customer who gets no answer asks again, so often. */
const asks = 20
const pauseMs = 200

/** Customers order, handlers place, workers ship, until every order has its answer and no job is left. */
export async function runTraffic(
  world: World,
  shop: Shop,
  orders: readonly OrderLine[],
  { handlers, workers, onProgress = () => {} }: TrafficOptions,
): Promise<Progress> {
  const { runtime } = world
  const waiting = orders.map((line) => ({ line, asked: 0 }))
  const progress: Progress = { answered: 0, total: orders.length, kills: 0 }
  let isOver = false

  /** Runs the steps of one process after another, each until it is killed, until `step` says that it is done. */
  async function slot(step: (process: Process) => Promise<'on' | 'done'>): Promise<void> {
    for (let process = world.start(); ; ) {
      const outcome = await Promise.race([step(process), process.killed])
      if (outcome === 'done') return
      if (outcome === 'on') continue
      progress.kills++
      process = world.start()
    }
  }

  const handle = async (process: Process) => {
    const next = waiting.shift()
    if (!next) {
      if (progress.answered === progress.total) return 'done'
      await runtime.sleep(pauseMs)
      return 'on'
    }
    next.asked++
    // Without an answer the customer asks again; after many times without an answer, nobody does.
    const again = () => {
      if (next.asked < asks) waiting.push(next)
      else onProgress({ ...progress, answered: ++progress.answered })
    }
    const answer = shop.place(process, next.line).then(
      () => 'answered' as const,
      () => 'failed' as const,
    )
    if ((await Promise.race([answer, process.killed])) !== 'answered') again()
    else onProgress({ ...progress, answered: ++progress.answered })
    return 'on'
  }

  const work = async (process: Process) => {
    const shipped = await shop.shipNext(process).catch(() => false)
    if (!shipped) await runtime.sleep(pauseMs)
    return isOver ? 'done' : 'on'
  }

  const working = Array.from({ length: workers }, () => slot(work))
  await Promise.all(Array.from({ length: handlers }, () => slot(handle)))
  while (!(await shop.isIdle())) await runtime.sleep(pauseMs)
  isOver = true
  await Promise.all(working)
  return progress
}
