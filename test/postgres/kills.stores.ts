import { atomic } from 'lockrow'
import { AtomicPostgresDb, createTable } from 'lockrow/postgres'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { onOwnPostgres } from '../stores/postgres.ts'
import { OwnServer } from '../stores/postgres-programs.ts'

onOwnPostgres(() => {
  let server: OwnServer
  const pools: pg.Pool[] = []
  const open = () => {
    const pool = new pg.Pool({ connectionString: server.url, max: 4 })
    pools.push(pool)
    return new AtomicPostgresDb(pool, { retry: { attempts: 200, baseMs: 10, maxMs: 100 } })
  }
  beforeAll(async () => {
    server = await OwnServer.start()
  })
  afterAll(async () => {
    await Promise.all(pools.map((pool) => pool.end().catch(() => {})))
    server.remove()
  })

  it('keeps all that was confirmed and halves of nothing when the server is stopped in the middle of commits', async () => {
    const dbs = [open(), open()]
    await createTable(pools[0]!)
    const confirmed = new Set<string>()
    const tried = new Set<string>()
    let total = 0
    let doubts = 0
    let isOver = false
    const writer = async (name: number) => {
      for (let i = 0; !isOver; i++) {
        const sk = `${name}-${i}`
        const db = dbs[name % 2]!
        tried.add(sk)
        try {
          if (i % 3 === 0) {
            await db.set({ pk: 'single', sk, data: i })
            confirmed.add(`single ${sk}`)
          } else if (i % 3 === 1) {
            await db.queuePush({ pk: 'queue', sk, data: i })
            confirmed.add(`queue ${sk}`)
          } else {
            await atomic(db)
              .set({ pk: 'left', sk, data: i })
              .set({ pk: 'right', sk, data: i })
              .update({ pk: 'sum', sk: `${name % 3}` }, { add: { n: 1 } })
              .commit()
            total++
            confirmed.add(`left ${sk}`)
          }
        } catch {
          // Refused, or nobody knows.
          doubts++
        }
      }
    }
    await atomic(dbs[0]!)
      .set([0, 1, 2].map((n) => ({ pk: 'sum', sk: `${n}`, data: { n: 0 } })))
      .commit()
    const writers = Promise.all(Array.from({ length: 8 }, (_, name) => writer(name)))
    const writtenFor = async (ms: number) => {
      const before = confirmed.size
      const until = Date.now() + 60_000
      await new Promise((resolve) => setTimeout(resolve, ms))
      while (confirmed.size < before + 20 && Date.now() < until)
        await new Promise((resolve) => setTimeout(resolve, 10))
    }
    for (let kill = 0; kill < 6; kill++) {
      await writtenFor(100 + 50 * kill)
      server.stop(kill % 3 === 2 ? 'fast' : 'immediate')
      await server.start()
    }
    await writtenFor(100)
    isOver = true
    await writers

    const db = open()
    const keysOf = async (pk: string) => new Set((await db.query({ pk })).map(({ sk }) => sk))
    const [single, left, right] = [await keysOf('single'), await keysOf('left'), await keysOf('right')]
    const { rows } = await pools[0]!.query(`SELECT sk FROM lockrow WHERE pk = 'queue'`)
    const found: Record<string, Set<string>> = { single, left, queue: new Set(rows.map(({ sk }) => sk)) }
    const lost = [...confirmed].filter((name) => {
      const [pk, sk] = name.split(' ') as [string, string]
      return !found[pk]!.has(sk)
    })
    expect(confirmed.size).toBeGreaterThan(100)
    expect(lost).toEqual([])
    expect([...left].sort()).toEqual([...right].sort())
    const sums = await db.getMany<{ n: number }>([0, 1, 2].map((n) => ({ pk: 'sum', sk: `${n}` })))
    expect(sums.reduce((sum, item) => sum + item!.data.n, 0)).toBe(left.size)
    expect(left.size).toBeGreaterThanOrEqual(total)
    expect(left.size).toBeLessThanOrEqual(total + doubts)
  })
})
