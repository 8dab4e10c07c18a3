import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'

/** Servers that a test starts itself, as the user `postgres` where the test is root: they refuse to run as root. */

const versions = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql') : []
const binaries = versions
  .map((version) => `/usr/lib/postgresql/${version}/bin`)
  .find((path) => existsSync(join(path, 'initdb')))
const isRoot = process.getuid?.() === 0
export const hasServerPrograms = binaries !== undefined
export const pgbouncer = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer'].find((path) => existsSync(path))

const asUser = (command: string, args: string[]): [string, string[]] =>
  isRoot ? ['runuser', ['-u', 'postgres', '--', command, ...args]] : [command, args]

function run(command: string, args: string[]): void {
  const [file, all] = asUser(command, args)
  execFileSync(file, all, { stdio: 'ignore', cwd: '/' })
}

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'lockrow-postgres-'))
  if (isRoot) execFileSync('chown', ['postgres', path])
  else chmodSync(path, 0o700)
  return path
}

/** A server of the test's own, which may be killed. */
export class OwnServer {
  readonly url: string
  readonly #folder: string
  readonly #port: number

  private constructor(path: string, port: number) {
    this.#folder = path
    this.#port = port
    this.url = `postgres://postgres@127.0.0.1:${port}/postgres`
  }

  static async start(): Promise<OwnServer> {
    const path = folder()
    run(join(binaries!, 'initdb'), [
      '-D',
      join(path, 'data'),
      '-U',
      'postgres',
      '-A',
      'trust',
      '-E',
      'UTF8',
      '--locale=C',
    ])
    const server = new OwnServer(path, await freePort())
    await server.start()
    return server
  }

  /** Starts it, again after a kill, and waits until it answers. */
  async start(): Promise<void> {
    const settings = `-p ${this.#port} -k ${this.#folder} -c listen_addresses=127.0.0.1`
    run(join(binaries!, 'pg_ctl'), [
      '-D',
      join(this.#folder, 'data'),
      '-l',
      join(this.#folder, 'log'),
      '-o',
      settings,
      '-w',
      '-t',
      '120',
      'start',
    ])
    for (;;) {
      const client = new pg.Client({ connectionString: this.url })
      client.on('error', () => {})
      const isUp = await client.connect().then(
        () => true,
        () => false,
      )
      if (isUp) return client.end()
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /** At once, without any farewell to clients or disk. */
  stop(mode: 'immediate' | 'fast'): void {
    run(join(binaries!, 'pg_ctl'), ['-D', join(this.#folder, 'data'), '-m', mode, '-w', '-t', '120', 'stop'])
  }

  remove(): void {
    try {
      this.stop('immediate')
    } catch {
      // It does not run.
    }
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** PgBouncer in transaction mode before a database, with fewer connections to it than clients have. */
export async function startPgBouncer(database: string): Promise<{ url: string; stop(): void }> {
  const path = folder()
  const port = await freePort()
  const to = new URL(database)
  writeFileSync(
    join(path, 'pgbouncer.ini'),
    `[databases]
* = host=${to.hostname} port=${to.port || 5432} user=${to.username}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
max_client_conn = 500
`,
  )
  const [file, args] = asUser(pgbouncer!, [join(path, 'pgbouncer.ini')])
  const child: ChildProcess = spawn(file, args, { stdio: 'ignore', cwd: '/' })
  const url = Object.assign(new URL(database), { port: String(port) }).href
  for (let i = 0; ; i++) {
    const client = new pg.Client({ connectionString: url })
    client.on('error', () => {})
    const error = await client.connect().then(
      () => undefined,
      (error) => error,
    )
    if (!error) {
      await client.end()
      break
    }
    if (i > 600) throw error
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return {
    url,
    stop() {
      child.kill('SIGTERM')
      rmSync(path, { recursive: true, force: true })
    },
  }
}
