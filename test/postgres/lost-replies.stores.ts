import { connect, createServer, type Server, type Socket } from 'node:net'
import { atomic, OutcomeUnknown } from 'lockrow'
import { AtomicPostgresDb, createTable } from 'lockrow/postgres'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { makeDatabase, onPostgres, type TestDatabase } from '../stores/postgres.ts'

/** Between clients and the server: breaks connections by chance, also just before a reply. */
class BreakingProxy {
  /** Of how many pieces one breaks its connection; 0: none. */
  chance = 0
  port = 0
  readonly #sockets = new Set<Socket>()
  readonly #server: Server

  constructor(target: URL) {
    this.#server = createServer((client) => {
      const server = connect(Number(target.port || 5432), target.hostname)
      const end = () => {
        client.destroy()
        server.destroy()
      }
      for (const socket of [client, server]) {
        this.#sockets.add(socket)
        socket.on('error', end).on('close', () => {
          this.#sockets.delete(socket)
          end()
        })
      }
      client.on('data', (data) => (this.#isBreak() ? end() : server.write(data)))
      server.on('data', (data) => (this.#isBreak() ? end() : client.write(data)))
    })
  }

  listen(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.listen(0, '127.0.0.1', () => {
        this.port = (this.#server.address() as { port: number }).port
        resolve()
      })
    })
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  #isBreak = (): boolean => this.chance > 0 && Math.random() < 1 / this.chance
}

onPostgres(() => {
  let database: TestDatabase
  let proxy: BreakingProxy
  beforeAll(async () => {
    database = await makeDatabase()
    proxy = new BreakingProxy(new URL(database.url))
    await proxy.listen()
  })
  afterAll(async () => {
    proxy.close()
    await database.drop()
  })

  it('tells the truth about every write whose connection broke', async () => {
    const pool = database.pool()
    await createTable(pool)
    const direct = new AtomicPostgresDb(pool)
    const url = Object.assign(new URL(database.url), { port: String(proxy.port) }).href
    const dbs = [1, 2, 3].map(
      () =>
        new AtomicPostgresDb(database.pool({ connectionString: url }), {
          retry: { attempts: 30, baseMs: 2, maxMs: 20 },
        }),
    )
    const keys = ['update', 'exactly', 'transaction'].map((sk) => ({ pk: 'sums', sk }))
    await direct.set(keys.map((key) => ({ ...key, data: { n: 0 } })))
    await Promise.all(dbs.map((db) => db.get(keys[0]!)))
    proxy.chance = 12
    const ends: { sk: string; error?: unknown }[] = []
    const count = async (sk: string, work: Promise<unknown>) =>
      ends.push(
        await work.then(
          () => ({ sk }),
          (error) => ({ sk, error }),
        ),
      )
    const change = { add: { n: 1 } }
    await Promise.all(
      dbs.map(async (db) => {
        for (let i = 0; i < 60; i++) {
          await count('update', db.update(keys[0]!, change))
          await count('exactly', db.update(keys[1]!, change, { exactlyOnce: true }))
          await count('transaction', atomic(db).update(keys[2]!, change).commit())
        }
      }),
    )
    proxy.chance = 0
    const refused = ends.filter(({ error }) => error !== undefined)
    expect(refused.filter(({ error }) => !(error instanceof OutcomeUnknown))).toEqual([])
    for (const { pk, sk } of keys) {
      const n = (await direct.get<{ n: number }>({ pk, sk }))!.data.n
      const of = ends.filter((end) => end.sk === sk)
      const doubts = of.filter(({ error }) => error !== undefined).length
      expect(n).toBeGreaterThanOrEqual(of.length - doubts)
      expect(n).toBeLessThanOrEqual(of.length)
    }
  })
})
