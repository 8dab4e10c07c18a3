import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { onTable } from './helpers.ts'

/** The command line as the process that it is. */
const script = resolve(import.meta.dirname, '../../src/cli/index.ts')
const on = onTable()
let home = ''
const children = new Set<ChildProcess>()
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'lockrow-home-'))
})
afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(home, { recursive: true, force: true })
})

/** An account without anything of AWS. */
const bare = () => ({ PATH: process.env.PATH, HOME: home })

function start(argv: string[], env: Record<string, string | undefined>): ChildProcess {
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...argv], { env, stdio: 'pipe' })
  children.add(child)
  child.once('exit', () => children.delete(child))
  return child
}

async function finish(child: ChildProcess, input?: string) {
  let out = ''
  let err = ''
  child.stdout!.on('data', (text) => (out += text))
  child.stderr!.on('data', (text) => (err += text))
  if (input !== undefined) child.stdin!.end(input)
  const [code] = await once(child, 'close')
  return { code, out, err }
}

describe('as a process', () => {
  it('works on a local endpoint without any credentials', async () => {
    const pk = on.pk()
    await on.db().set({ pk, sk: 'a', data: { n: 1 } })
    const where = ['--endpoint', inject('dynamoEndpoint'), '--table', on.table()]
    const ran = await finish(start(['get', pk, 'a', '--json', ...where], bare()))
    expect(ran).toEqual({ code: 0, out: `${JSON.stringify({ pk, sk: 'a', data: { n: 1 } })}\n`, err: '' })
  })

  it('says that there are no credentials, or no region, and ends at once', async () => {
    const begun = performance.now()
    const argv = ['get', 'a', 'b', '--table', 't']
    // A metadata service that does not answer is not waited for.
    const mute = (await import('node:net')).createServer(() => {}).listen(0, '127.0.0.1')
    await once(mute, 'listening')
    const { port } = mute.address() as { port: number }
    const env = { ...bare(), AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://127.0.0.1:${port}` }
    const [none, nowhere] = await Promise.all([
      finish(start([...argv, '--region', 'eu-west-1'], env)),
      finish(start(argv, env)),
    ])
    mute.close()
    expect(none).toMatchObject({ code: 2, out: '' })
    expect(none.err).toMatch(/^lockrow: no AWS credentials: [^\n]*\n$/)
    expect(nowhere).toMatchObject({ code: 2, out: '' })
    expect(nowhere.err).toMatch(/^lockrow: no region: [^\n]*\n$/)
    expect(performance.now() - begun).toBeLessThan(8000)
  })

  it('wrong input is one line', async () => {
    const env = { ...bare(), LOCKROW_TABLE: on.table(), AWS_ENDPOINT_URL_DYNAMODB: inject('dynamoEndpoint') }
    const ran = await finish(start(['queue', 'push', 'q', '--file', '-'], env), '1\n{\n')
    expect(ran).toMatchObject({ code: 2, out: '' })
    expect(ran.err).toMatch(/^lockrow: standard input:2 is not JSON [^\n]*\n$/)
  })

  // Whoever tests against a server of their own may have no Java.
  it.skipIf(process.env.DYNAMODB_ENDPOINT)('dev serves until Ctrl-C and leaves nothing behind', async () => {
    const child = start(['dev', '--port', '0', '--table', 'mine', '--json'], bare())
    const ended = finish(child)
    const [line] = await once(child.stdout!, 'data')
    const { endpoint, port, table } = JSON.parse(String(line))
    expect(table).toBe('mine')
    expect(endpoint).toBe(`http://127.0.0.1:${port}`)
    const described = await on.lockrow([
      'table',
      'describe',
      '--json',
      '--endpoint',
      endpoint,
      '--table',
      'mine',
    ])
    expect(JSON.parse(described.out)).toMatchObject({ status: 'ACTIVE', ttl: 'ttl', problems: [] })
    const busy = await on.lockrow(['dev', '--port', String(port)])
    expect(busy).toMatchObject({ code: 2, out: '' })
    expect(busy.err).toBe(`lockrow: port ${port} is in use: give another with --port (0: any that is free)\n`)

    child.kill('SIGINT')
    expect(await ended).toMatchObject({ code: 0, err: '' })
    await expect(fetch(endpoint)).rejects.toThrow()
    await vi.waitFor(async () => expect(await javaOn(port)).toBe(false))
  })

  it('dev says in one line what is missing', async () => {
    const env = { HOME: home, PATH: '/nonexistent' }
    const ran = await finish(start(['dev', '--port', '0'], env))
    expect(ran).toMatchObject({ code: 2, out: '' })
    expect(ran.err).toMatch(
      /^lockrow: Cannot start DynamoDB Local: Java was not found\. Install Java 17 [^\n]*\n$/,
    )
  })
})

/** Whether a process still has this port on its command line. */
const javaOn = (port: number): Promise<boolean> =>
  new Promise((resolve, reject) =>
    execFile('ps', ['-eo', 'args'], (error, out) =>
      error
        ? reject(error)
        : resolve(out.split('\n').some((args) => /java/.test(args) && args.includes(`-port ${port}`))),
    ),
  )
