import { Liveness, Mutex, type MutexOptions } from 'lockrow'
import { describe, expect, it } from 'vitest'
import { AtomicEngine } from '../../../src/engine/engine.ts'
import type { Storage } from '../../../src/storage.ts'
import { SimulatedServer } from '../../../src/testing/sim/server.ts'
import { Simulation } from '../../../src/testing/sim/simulation.ts'
import { onBothBackends } from '../../setup/backends.ts'

const key = { pk: 'mutex', sk: 'fair' }
const options: MutexOptions = { ttlMs: 10_000, clockToleranceMs: 0, fair: true }

type Kind = 'take' | 'draw' | 'refresh' | 'other'

/** What a write of the mutex is for. */
function kindOf(operation: Parameters<Storage['apply']>[0]): Kind {
  const changes = operation.op === 'update' ? operation.changes : []
  const touches = (op: string, field: string) =>
    changes.some((change) => change.op === op && change.path.includes(field))
  if (touches('append', 'line')) return 'draw'
  if (touches('add', 'token')) return 'take'
  return touches('set', 'line') ? 'refresh' : 'other'
}

function world(seed: number) {
  const simulation = new Simulation({ seed })
  const server = new SimulatedServer(simulation, { latencyMs: [1, 4] })
  const cost = { writes: 0, failed: {} as Partial<Record<Kind, number>> }
  const open = (given: Partial<MutexOptions> = {}) => {
    const process = simulation.process()
    const storage: Storage = server.connect(process)
    const counted: Storage = {
      ...storage,
      apply: async (operation, call) => {
        const result = await storage.apply(operation, call)
        cost.writes++
        const kind = kindOf(operation)
        if (!result.applied) cost.failed[kind] = (cost.failed[kind] ?? 0) + 1
        return result
      },
    }
    const db = new AtomicEngine(counted, { runtime: process })
    return { process, db, mutex: new Mutex(db, key, { ...options, ...given }) }
  }
  return { simulation, open, cost, server }
}

const row = async (db: AtomicEngine) => (await db.get<{ line?: string[] }>(key))?.data

describe('fair, in simulated time', () => {
  it.each([1, 2, 3])('lets contenders in as they came, with few writes (seed %i)', async (seed) => {
    const { simulation, open, cost } = world(seed)
    const order: number[] = []
    await simulation.run(async () => {
      await Promise.all(
        Array.from({ length: 20 }, async (_, i) => {
          const { process, mutex } = open()
          await process.sleep(i * 20)
          await mutex.run(() => {
            order.push(i)
            return process.sleep(500)
          })
        }),
      )
    })
    expect(order).toEqual(Array.from({ length: 20 }, (_, i) => i))
    // Each: one that fails, the ticket, the mutex, its release; and 5 s of waiting are a refresh.
    expect(cost.writes).toBeLessThanOrEqual(20 * 5)
    // The first finds no row and makes it. The others try in vain once; then each waits for its turn. A refresh names the place of its ticket, so it
    // fails where somebody leaves the head of the line between its look and its write; the next look repeats it.
    // How many do is a matter of chance; the number of all writes bounds them.
    const { refresh: _, ...others } = cost.failed
    expect(others).toEqual({ take: 1 + 19 })
  })

  it('goes on when waiting processes crash, wherever they stand in the line', async () => {
    const { simulation, open } = world(2)
    const order: number[] = []
    await simulation.run(async () => {
      const contenders = Array.from({ length: 8 }, async (_, i) => {
        const { process, mutex } = open()
        await process.sleep(i * 20)
        if (i === 1 || i === 2 || i === 5) {
          mutex.acquire().catch(() => {})
          await simulation.process().sleep(300)
          process.crash()
          return
        }
        await mutex.run(() => {
          order.push(i)
          return process.sleep(1000)
        })
      })
      await Promise.all(contenders)
    })
    expect(order).toEqual([0, 3, 4, 6, 7])
    expect(simulation.time).toBeLessThan(30_000)
  })

  it('comes back to the end of the line after it was frozen in its turn', async () => {
    const { simulation, open } = world(3)
    const order: string[] = []
    await simulation.run(async () => {
      const holder = open()
      await holder.mutex.acquire()
      const contend = async (name: string, after: number) => {
        const { process, mutex } = open()
        await process.sleep(after)
        if (name === 'frozen') simulation.schedule(400, () => process.freeze(25_000))
        await mutex.run(() => {
          order.push(name)
          return process.sleep(3000)
        })
      }
      const all = [contend('frozen', 10), contend('second', 30), contend('third', 60)]
      await holder.process.sleep(1000)
      await holder.mutex.release()
      await Promise.all(all)
    })
    expect(order.sort()).toEqual(['frozen', 'second', 'third'])
    expect(simulation.time).toBeLessThan(30_000)
  })

  it('whoever gives up leaves the line', async () => {
    const { simulation, open } = world(4)
    await simulation.run(async () => {
      const holder = open()
      const impatient = open()
      const aborted = open()
      await holder.mutex.acquire()
      await expect(impatient.mutex.acquire({ timeoutMs: 500 })).rejects.toMatchObject({ code: 'NotAcquired' })
      const controller = new AbortController()
      const waiting = aborted.mutex.acquire({ signal: controller.signal })
      const rejected = expect(waiting).rejects.toThrow('enough')
      await holder.process.sleep(100)
      expect((await row(holder.db))!.line).toHaveLength(1)
      controller.abort(new Error('enough'))
      await rejected
      expect((await row(holder.db))!.line).toEqual([])
      await holder.mutex.release()
      expect(await impatient.mutex.tryAcquire()).toBeDefined()
    })
  })

  it.each([1, 2, 3, 4, 5])(
    '32 contenders with faults: one at a time, all come through (seed %i)',
    async (seed) => {
      const { simulation, open, server } = world(seed)
      server.rates = { lostReply: 0.05, lostRequest: 0.03, throttled: 0.05, slow: 0.02 }
      let inside = 0
      let most = 0
      const tokens: number[] = []
      await simulation.run(async () => {
        await Promise.all(
          Array.from({ length: 32 }, async () => {
            const { process, mutex } = open({ ttlMs: 60_000 })
            await process.sleep(process.random() * 500)
            tokens.push((await mutex.acquire()).fencingToken)
            most = Math.max(most, ++inside)
            await process.sleep(20)
            inside--
            await mutex.release()
          }),
        )
      })
      expect(most).toBe(1)
      expect(tokens).toHaveLength(32)
      expect([...tokens].sort((a, b) => a - b)).toEqual(tokens)
      expect(new Set(tokens).size).toBe(32)
    },
  )
})

describe('requests that arrive late', () => {
  it('an acquisition that was given up and arrives after all is given back', async () => {
    const { simulation, open, server } = world(6)
    await simulation.run(async () => {
      const { mutex, process } = open({ fair: false, ttlMs: 60_000 })
      // The row is there.
      await mutex.acquire()
      await mutex.release()
      server.rates = { lateRequest: 1 }
      const first = await mutex.tryAcquire().catch(() => undefined)
      server.rates = {}
      await process.sleep(30_000)
      const { locked, fencingToken } = await mutex.peek()
      const second = await mutex.tryAcquire()
      expect(first).toBeUndefined()
      expect(locked).toBe(false)
      // It did arrive: tokens were given out.
      expect(fencingToken).toBeGreaterThan(1)
      expect(second).toMatchObject({ fencingToken: fencingToken + 1 })
      await mutex.release()
    })
  })

  it('a heartbeat that arrives late does not take back a later one', async () => {
    const { simulation, open, server } = world(7)
    await simulation.run(async () => {
      const { db, process } = open()
      const liveness = await new Liveness(db, { heartbeatMs: 1000, deadAfterMs: 60_000 }).start()
      const until = async () =>
        (await db.get<{ until: number }>(liveness.key, { consistent: true }))!.data.until
      server.rates = { lateRequest: 0.3 }
      let before = 0
      for (let i = 0; i < 60; i++) {
        await process.sleep(500)
        const now = await until().catch(() => before)
        expect(now).toBeGreaterThanOrEqual(before)
        before = now
      }
      server.rates = {}
      await liveness.stop()
    })
  })
})

onBothBackends('fair mutex', ({ open, pk }) => {
  it('tryAcquire does not pass those who wait; the next in line gets it', async () => {
    const db = open()
    const at = { pk: pk(), sk: 'fair' }
    const [a, b, c] = [0, 1, 2].map(() => new Mutex(db, at, options))
    await a!.acquire()
    const waiting = b!.acquire()
    while (!((await db.get<{ line?: string[] }>(at))?.data.line?.length === 1)) await db.runtime.sleep(5)
    await a!.release()
    expect(await c!.tryAcquire()).toBeUndefined()
    expect((await waiting).fencingToken).toBe(2)
    await b!.release()
    expect(await c!.tryAcquire()).toBeDefined()
  })

  it('bad input', () => {
    const db = open()
    const at = { pk: pk(), sk: 'fair' }
    expect(() => new Mutex(db, at, { ...options, fair: { ticketMs: 0 } })).toThrow(/fair\.ticketMs/)
    expect(() => new Mutex(db, at, { ...options, heartbeatMs: 5000 })).toThrow(/less than half/)
    expect(() => new Mutex(db, at, { ...options, heartbeatMs: -1 })).toThrow(/heartbeatMs/)
  })
})

it('two who wait by one object both get their turns while others keep the line busy', async () => {
  const { simulation, open } = world(1)
  await simulation.run(async () => {
    let over = false
    const others = [open(), open()].map(async ({ process, mutex }) => {
      while (!over) await mutex.run(() => process.sleep(500))
    })
    const { process, mutex } = open()
    await process.sleep(1000)
    const began = simulation.time
    await Promise.all([1, 2].map(() => mutex.run(() => process.sleep(100))))
    expect(simulation.time - began).toBeLessThan(10_000)
    over = true
    await Promise.all(others)
  })
})
