import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from 'redis'
import { it } from 'vitest'

const programs = ['redis-server', 'valkey-server']

function findProgram(): string | undefined {
  return programs.find((program) => {
    try {
      execFileSync(program, ['--version'], { stdio: 'ignore' })
      return true
    } catch {
      return false
    }
  })
}

const program = findProgram()

/** Tests that start servers of their own. Without the program they are skipped with a line that says why; under CI they fail. */
export function onRedisServer(tests: () => void): void {
  if (program) {
    tests()
    return
  }
  const why = 'no redis-server: apt-get install redis-server'
  if (process.env.CI) throw new Error(why)
  console.warn(`skipped: ${why}`)
  it.skip(why)
}

/** A server of the test's own. */
export interface OwnServer {
  readonly url: string
  readonly port: number
  /** Commands of an administrator. */
  admin(...command: string[]): Promise<unknown>
  /** Ends it as `kill -9` does. */
  kill(): Promise<void>
  /** Starts it again, on its data. */
  start(): Promise<void>
  /** Ends it and deletes its data. */
  stop(): Promise<void>
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function askOnce(url: string, command: string[]): Promise<unknown> {
  const client = createClient({ url, RESP: 2, socket: { reconnectStrategy: false } })
  client.on('error', () => {})
  await client.connect()
  try {
    return await client.sendCommand(command)
  } finally {
    client.destroy()
  }
}

async function untilItAnswers(url: string, child: ChildProcess): Promise<void> {
  for (let i = 0; i < 1200; i++) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`)
    const answer = await askOnce(url, ['PING']).catch(() => undefined)
    if (answer === 'PONG') return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('the server does not answer')
}

/** Starts a server on a free port, which syncs each write to its disk. */
export async function startRedis(...settings: string[]): Promise<OwnServer> {
  const folder = mkdtempSync(join(tmpdir(), 'lockrow-redis-'))
  const port = await freePort()
  const url = `redis://127.0.0.1:${port}`
  const durable = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', '']
  const values = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, ...durable, ...settings]
  let child: ChildProcess
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  }
  const start = async () => {
    child = spawn(program!, values, { stdio: 'ignore' })
    await untilItAnswers(url, child)
  }
  await start()
  return {
    url,
    port,
    kill,
    start,
    admin: (...command) => askOnce(url, command),
    async stop() {
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
