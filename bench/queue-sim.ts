/** Contention and cost of the queue in simulated time: `tsx bench/queue-sim.ts`. Seeded, so it prints the same again. */
import { AtomicEngine } from '../src/engine/engine.ts'
import { rowBytes } from '../src/engine/values.ts'
import type { Storage } from '../src/storage.ts'
import { SimulatedServer } from '../src/testing/sim/server.ts'
import { Simulation } from '../src/testing/sim/simulation.ts'

interface Count {
  rru: number
  wru: number
  applies: number
  failed: number
  pages: number
}

/** Units by the documented formula, from the requests that were really made. */
function counted(storage: Storage, count: Count): Storage {
  return {
    ...storage,
    page: async (range, options) => {
      const page = await storage.page(range, options)
      count.pages++
      count.rru += Math.max(1, Math.ceil(page.rows.reduce((sum, row) => sum + rowBytes(row), 0) / 4096))
      return page
    },
    read: async (keys, options) => {
      const rows = await storage.read(keys, options)
      for (const row of rows) count.rru += Math.max(1, Math.ceil((row ? rowBytes(row) : 1) / 4096))
      return rows
    },
    apply: async (operation, options) => {
      const result = await storage.apply(operation, options)
      count.applies++
      if (!result.applied) count.failed++
      count.wru += Math.max(1, Math.ceil((result.row ? rowBytes(result.row) : 1) / 1024))
      return result
    },
    write: async (writes, options) => {
      for (const write of writes) count.wru += 'put' in write ? Math.ceil(rowBytes(write.put) / 1024) : 1
      return storage.write(writes, options)
    },
  }
}

const zero = (): Count => ({ rru: 0, wru: 0, applies: 0, failed: 0, pages: 0 })
const pk = 'q'

async function contend(
  seed: number,
  consumers: number,
  work: number,
  way: 'ours' | 'head' | 'many',
  total: number,
) {
  const world = new Simulation({ seed })
  const server = new SimulatedServer(world, { latencyMs: [1.5, 3.5] })
  const count = zero()
  const open = () => {
    const process = world.process()
    const storage = counted(server.connect(process), count)
    return { storage, process, db: new AtomicEngine(storage, { runtime: process }) }
  }
  return world.run(async () => {
    await open().db.queuePush(Array.from({ length: total }, (_, data) => ({ pk, data })))
    Object.assign(count, zero())
    const order: number[] = []
    const begun = world.time
    let ids = 0
    await Promise.all(
      Array.from({ length: consumers }, async () => {
        const { db, storage, process } = open()
        const headPull = async () => {
          let after: string | undefined
          for (;;) {
            const page = await storage.page({ pk, after, limit: 64 }, { consistent: true })
            const head = page.rows.find((row) => !((row.due as number) > process.now()))
            if (!head) {
              if (page.next === undefined) return []
              after = page.next
              continue
            }
            const key = { pk, sk: head.sk }
            const r = `h${ids++}`
            const due = process.now() + 300_000
            const result = await storage.apply(
              {
                op: 'update',
                key,
                changes: [
                  { op: 'set', path: ['r'], value: r },
                  { op: 'set', path: ['due'], value: due },
                ],
                guard: {
                  op: 'and',
                  of: [
                    { op: 'exists', path: ['n'] },
                    { op: 'absent', path: ['due'] },
                  ],
                },
              },
              {},
            )
            if (result.applied) return [{ ...key, receipt: r, data: head.data as number }]
            after = undefined
          }
        }
        for (;;) {
          const items =
            way === 'head'
              ? await headPull()
              : (await db.queuePullMany<number>({ pk, limit: way === 'many' ? 10 : 1 })).items
          if (items.length === 0) return
          for (const item of items) order.push(item.data)
          for (const item of items) {
            if (work > 0) await process.sleep(-Math.log(1 - process.random()) * work)
            await db.queueAcknowledge(item)
          }
        }
      }),
    )
    const perSecond = (total * 1000) / (world.time - begun)
    const displaced = order.reduce((sum, data, at) => sum + Math.abs(data - at), 0) / total
    return {
      way,
      consumers,
      work,
      got: order.length,
      perSecond: Math.round(perSecond),
      failedPerMessage: +(count.failed / total).toFixed(2),
      displaced: +displaced.toFixed(1),
      rruEach: +(count.rru / total).toFixed(2),
      wruEach: +(count.wru / total).toFixed(2),
    }
  })
}

async function inFlight(held: number, cold: boolean) {
  const world = new Simulation({ seed: 7 })
  const server = new SimulatedServer(world, { latencyMs: [1.5, 3.5] })
  const count = zero()
  const open = () => {
    const process = world.process()
    return new AtomicEngine(counted(server.connect(process), count), { runtime: process })
  }
  return world.run(async () => {
    const db = open()
    const data = 'x'.repeat(800)
    await db.queuePush(Array.from({ length: held }, () => ({ pk, data })))
    for (let left = held; left > 0; left -= 100)
      await db.queuePullMany({ pk, limit: Math.min(100, left), ttlSeconds: 40_000 })
    const client = cold ? open() : db
    Object.assign(count, zero())
    await client.queuePush(Array.from({ length: 100 }, () => ({ pk, data })))
    for (let i = 0; i < 100; i++) await client.queueAcknowledge((await client.queuePull({ pk })).item!)
    return {
      inFlight: held,
      client: cold ? 'cold' : 'same',
      wruEach: count.wru / 100,
      rruEach: count.rru / 100,
    }
  })
}

const costs = []
for (const held of [0, 100, 10_000]) for (const cold of [false, true]) costs.push(await inFlight(held, cold))
console.table(costs)
const rows = []
for (const work of [0, 50])
  for (const way of ['head', 'ours', 'many'] as const) rows.push(await contend(1, 64, work, way, 2000))
rows.push(await contend(1, 1, 0, 'ours', 500))
console.table(rows)
