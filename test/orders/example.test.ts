import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { ListTablesCommand } from '@aws-sdk/client-dynamodb'
import { AtomicMemoryDb, queueLambda } from 'lockrow'
import { describe, expect, inject, it, vi } from 'vitest'
import { apiHandler } from '../../examples/orders/api.ts'
import { readHandler } from '../../examples/orders/read.ts'
import { scenario } from '../../examples/orders/run/scenario.ts'
import { OUTBOX } from '../../examples/orders/shop.ts'
import { localClient } from '../setup/local.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const { DYNAMODB_ENDPOINT: _, ...env } = process.env
const file = 'examples/orders/main.ts'

function example(...args: string[]) {
  const done = spawnSync(process.execPath, ['--import', 'tsx', file, ...args], {
    cwd: root,
    encoding: 'utf8',
    env,
    timeout: 60_000,
  })
  return { code: done.status, out: done.stdout, err: done.stderr }
}

describe('npm run example', () => {
  it('runs by one command on a server that is there, and leaves no table', { timeout: 60_000 }, async () => {
    const endpoint = inject('dynamoEndpoint')
    const npm = ['run', '-s', 'example', '--', '--endpoint', endpoint, '--orders', '16']
    const { status, stdout } = spawnSync('npm', npm, { cwd: root, encoding: 'utf8', env, timeout: 60_000 })
    expect(stdout).toContain(`on DynamoDB Local at ${endpoint}`)
    expect(stdout).toContain('ok    last piece: 1 bought it, 11 got 409')
    expect(stdout).toContain('ok    shipped exactly once: 18 of 18')
    expect(stdout).toMatch(/\nAll \d+ checks hold\.\n$/)
    expect(stdout).not.toContain('WRONG')
    expect(status).toBe(0)
    const client = localClient(endpoint)
    const { TableNames = [] } = await client.send(new ListTablesCommand({}))
    client.destroy()
    expect(TableNames.filter((name) => /^orders-\d+-\d+$/.test(name))).toEqual([])
  })

  it('ends on Ctrl-C, and its server with it', { timeout: 60_000 }, async () => {
    const child = spawn(process.execPath, ['--import', 'tsx', file, '--orders', '80'], {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let out = ''
    let err = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (out === '') child.kill('SIGINT')
      out += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text
    })
    const [code] = await once(child, 'close')
    expect(code).toBe(130)
    expect(err).toContain('stopped')
    expect(out).not.toContain('checks')
    const endpoint = /on DynamoDB Local at (\S+)/.exec(out)![1]!
    await expect(fetch(endpoint)).rejects.toThrow()
  })

  it('tells of a worker that loses what it takes, and of one that died', { timeout: 60_000 }, async () => {
    vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    const db = new AtomicMemoryDb()
    const lose = queueLambda(db, () => {}, { pk: OUTBOX })
    const checks = await scenario(
      db,
      { api: apiHandler(db), read: readHandler(db), worker: lose },
      {
        orders: 4,
        signal: new AbortController().signal,
        say: () => {},
        crash: async () => {
          await db.queuePullMany({ pk: OUTBOX, limit: 2, ttlSeconds: 1 })
        },
      },
    )
    vi.restoreAllMocks()
    expect(checks.filter(({ ok }) => !ok).map(({ what }) => what)).toEqual([
      'GET /orders/{id}: shipped',
      'shipped exactly once: 0 of 6',
    ])
    expect(checks.map(({ what }) => what)).toContain(
      'killed worker: 2 messages hang until their claim runs out',
    )
  })

  it('says what is wrong with its arguments', () => {
    const wrong = example('--orders', '0')
    expect(wrong.code).toBe(2)
    expect(wrong.err).toContain('--orders must be a whole number from 1 to 80')
    const url = example('--endpoint', 'localhost:8000')
    expect(url.code).toBe(2)
    expect(url.err).toContain('--endpoint must be a URL')
  })
})
