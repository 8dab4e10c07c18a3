import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AtomicRedisDb } from 'lockrow/redis'
import { afterAll, expect, test } from 'vitest'
import { Random } from '../../src/testing/random.ts'
import { startCuttingProxy } from '../stores/cutting-proxy.ts'
import { libraries, type TestClient } from '../stores/redis.ts'
import { onRedisServer, startRedis } from '../stores/redis-server.ts'
import { auditAll, writeAll } from './crash-work.ts'

const kills = Number(process.env.CRASHES ?? 6)
const retry = { attempts: 200, baseMs: 5, maxMs: 50 }
const folder = mkdtempSync(join(tmpdir(), 'lockrow-redis-crashes-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

onRedisServer(() => {
  test(`loses nothing confirmed and halves nothing in ${kills} kills of the server`, async () => {
    const server = await startRedis()
    const random = new Random('server')
    const clients: TestClient[] = []
    for (const connect of Object.values(libraries)) clients.push(await connect(server.url))
    const confirmed: string[] = []
    let isOver = false
    try {
      const told = { confirmed: (line: string) => confirmed.push(line), failed: () => {} }
      const working = clients.map(({ client }, i) =>
        writeAll(new AtomicRedisDb(client, { retry }), `w${i}`, () => isOver, told),
      )
      for (let i = 0; i < kills; i++) {
        const before = confirmed.length
        // Until there is something to lose.
        while (confirmed.length < before + 100) await sleep(10)
        await sleep(random.between(0, 100))
        await server.kill()
        await server.start()
      }
      isOver = true
      await Promise.all(working)
      const db = new AtomicRedisDb(clients[0]!.client, { retry })
      expect(await auditAll(db, confirmed)).toEqual([])
      expect(confirmed.length).toBeGreaterThan(100 * kills)
    } finally {
      isOver = true
      for (const { close } of clients) close()
      await server.stop()
    }
  }, 600_000)

  test(`loses nothing confirmed and halves nothing in ${kills} kills of clients`, async () => {
    const server = await startRedis()
    const random = new Random('clients')
    const { client, close } = await libraries.redis!(server.url)
    const confirmed: string[] = []
    try {
      for (let i = 0; i < kills; i++) {
        const log = join(folder, `${i}.log`)
        const program = join(import.meta.dirname, 'crash-client.ts')
        const child = spawn(process.execPath, ['--import', 'tsx', program, server.url, log, `c${i}`], {
          stdio: ['ignore', 'pipe', 'inherit'],
        })
        const gone = new Promise((resolve) => child.once('exit', resolve))
        for (let looks = 0; looks < 6000 && !existsSync(log) && child.exitCode === null; looks++)
          await sleep(10)
        await sleep(random.between(20, 200))
        child.kill('SIGKILL')
        await gone
        // The last line may be torn, and was then not confirmed.
        confirmed.push(...readFileSync(log, 'utf8').split('\n').slice(0, -1))
      }
      expect(await auditAll(new AtomicRedisDb(client), confirmed)).toEqual([])
      expect(confirmed.length).toBeGreaterThan(10 * kills)
    } finally {
      close()
      await server.stop()
    }
  }, 600_000)

  test.each(Object.keys(libraries))(
    'by %s: connections that break lose nothing and repeat nothing',
    async (library) => {
      const server = await startRedis('--appendfsync', 'no')
      const proxy = await startCuttingProxy(server, new Random(library))
      const { client, close } = await libraries[library]!(proxy.url)
      const direct = await libraries.redis!(server.url)
      const confirmed: string[] = []
      let isOver = false
      try {
        proxy.chance = 0.02
        const told = { confirmed: (line: string) => confirmed.push(line), failed: () => {} }
        const db = new AtomicRedisDb(client, { retry })
        const key = { pk: 'count', sk: 'n' }
        let tried = 0
        let counted = 0
        const counting = async () => {
          while (!isOver) {
            tried++
            await db.update(key, { add: { n: 1 } }).then(
              () => counted++,
              () => {},
            )
          }
        }
        const working = Promise.all([writeAll(db, 'w', () => isOver, told), counting()])
        while (proxy.cuts.requests < 10 || proxy.cuts.answers < 10) await sleep(20)
        proxy.chance = 0
        isOver = true
        await working
        const { n } = (await new AtomicRedisDb(direct.client).get<{ n: number }>(key))!.data
        // What nobody knows may have happened, once.
        expect(n).toBeGreaterThanOrEqual(counted)
        expect(n).toBeLessThanOrEqual(tried)
        expect(await auditAll(new AtomicRedisDb(direct.client), confirmed)).toEqual([])
        expect(confirmed.length).toBeGreaterThan(50)
      } finally {
        isOver = true
        close()
        direct.close()
        await proxy.close()
        await server.stop()
      }
    },
    600_000,
  )
})
