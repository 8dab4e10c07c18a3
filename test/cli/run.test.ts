import { createServer as createWebServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { cli, onTable } from './helpers.ts'

const on = onTable()

/** One line on stderr, nothing on stdout, exit code 2. */
async function refused(ran: ReturnType<typeof cli>): Promise<string> {
  const { code, out, err } = await ran
  expect({ code, out, lines: err.split('\n').length }).toEqual({ code: 2, out: '', lines: 2 })
  expect(err).toMatch(/^lockrow: /)
  return err
}

describe('wrong calls', () => {
  it.each([
    [['frob'], "unknown command 'frob'"],
    [['quer'], "unknown command 'quer' (Did you mean query?)"],
    [['queue', 'frob'], "unknown command 'frob'"],
    [['get', 'a', 'b', '--frob'], "unknown option '--frob'"],
    [['get', 'a'], "missing required argument 'sk'"],
    [['get', 'a', 'b', 'c'], 'too many arguments'],
    [['get', 'a', 'b'], 'which table? give --table, or set LOCKROW_TABLE'],
    [['get', 'a', 'b', '--table'], "option '--table <name>' argument missing"],
    [['query', 'a', '--limit', '0'], 'must be a whole number, 1 to 1000000'],
    [['queue', 'peek', 'q', '--limit', '1e3'], 'must be a whole number'],
    [['get', 'a', 'b', '--table', 't', '--endpoint', 'localhost:8000'], 'write it as http://localhost:8000'],
    [['queue', 'push', 'q'], 'give one message as JSON, or --file'],
    [['queue', 'push', 'q', '1', '--file', '-'], 'give one message as JSON, or --file'],
    [['queue', 'push', 'q', 'hello'], 'the message is not JSON'],
    [['queue', 'push', 'q', '--file', '/no/such/file'], "cannot read '/no/such/file' (ENOENT)"],
    [['queue', 'push', 'q', '--file', '-', '--deduplication-id', 'a'], 'is for one message'],
    [['queue', 'purge', 'q', '--table', 't'], 'say --yes'],
    [['dev', '--endpoint', 'http://localhost:1'], "use 'lockrow table create --endpoint'"],
    [['dev', '--port', '70000'], 'must be a whole number, 0 to 65535'],
  ])('%j', async (argv, problem) => {
    expect(await refused(cli(argv))).toContain(problem)
  })

  it('keys that cannot be', async () => {
    expect(await refused(on.lockrow(['get', '', 'b']))).toContain('pk: must not be empty')
    expect(await refused(on.lockrow(['lock', 'show', 'a', 'b'.repeat(1100)]))).toContain(
      'sk: must be at most',
    )
    expect(await refused(on.lockrow(['mutex', 'show', 'a', 'b#lock']))).toContain("must not end in '#lock'")
    expect(await refused(on.lockrow(['queue', 'stats', 'q', '--dead-letter', 'q']))).toContain('deadLetter')
  })

  it('a group without a command shows its help', async () => {
    for (const argv of [[], ['queue'], ['mutex']]) {
      const ran = await cli(argv)
      expect(ran).toMatchObject({ code: 2, out: '' })
      expect(ran.err).toContain('Usage: lockrow')
    }
  })

  it.each([
    [['help', 'queue', 'peek'], 'Usage: lockrow queue peek '],
    [['help', 'queue'], 'Usage: lockrow queue '],
    [['help', 'get'], 'Usage: lockrow get '],
    [['help'], 'Usage: lockrow '],
    [['queue', 'help', 'peek'], 'Usage: lockrow queue peek '],
  ])('%j', async (argv, usage) => {
    const ran = await cli(argv)
    expect(ran).toMatchObject({ code: 0, err: '' })
    expect(ran.out).toContain(usage)
  })

  it.each([
    [['help', 'frob'], "unknown command 'frob'"],
    [['help', 'queue', 'frob'], "unknown command 'frob'"],
    [['help', 'get', 'a'], "unknown command 'a'"],
  ])('%j is refused', async (argv, problem) => {
    expect(await refused(cli(argv))).toContain(problem)
  })

  it('help and version are no errors', async () => {
    const help = await cli(['queue', 'push', '--help'])
    expect(help).toMatchObject({ code: 0, err: '' })
    expect(help.out).toContain('--deduplication-id')
    expect(help.out).toContain('--endpoint')
    expect(await cli(['--version'])).toMatchObject({ code: 0, err: '' })
  })
})

describe('wrong surroundings', () => {
  let mute: Server
  beforeAll(async () => {
    // Takes connections and never answers.
    mute = createServer(() => {})
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
  })
  afterAll(() => mute.close())

  it.each([
    [['get', 'a', 'b']],
    [['query', 'a']],
    [['lock', 'show', 'a', 'b']],
    [['mutex', 'show', 'a', 'b']],
    [['queue', 'stats', 'q']],
    [['queue', 'purge', 'q', '--yes']],
    [['queue', 'redrive', 'q', '--yes']],
    [['table', 'describe']],
    [['queue', 'push', 'q', '1']],
  ])('%j of a table that is not there', async (argv) => {
    const err = await refused(on.lockrow([...argv, '--table', 'cli-none']))
    expect(err).toContain(`there is no table 'cli-none' at ${inject('dynamoEndpoint')}: make it with`)
  })

  it.each([
    [['get', 'a', 'b']],
    [['queue', 'stats', 'q']],
    [['table', 'create']],
    [['queue', 'push', 'q', '1']],
    [['queue', 'push', 'q', '--file', '-']],
  ])('%j where nobody listens', async (argv) => {
    const begun = performance.now()
    const endpoint = 'http://127.0.0.1:9'
    const err = await refused(
      cli([...argv, '--table', 't', '--endpoint', endpoint], { input: '1\n2\n3\n'.repeat(100) }),
    )
    expect(err).toContain(`no answer from ${endpoint}: does it run?`)
    expect(performance.now() - begun).toBeLessThan(3000)
  })

  it('a server that is not DynamoDB', async () => {
    const web = createWebServer((_, reply) => reply.writeHead(status).end('<html>hello</html>'))
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
    const endpoint = `http://127.0.0.1:${(web.address() as AddressInfo).port}`
    let status = 200
    try {
      for (status of [200, 403])
        for (const argv of [
          ['get', 'a', 'b'],
          ['table', 'describe'],
          ['queue', 'push', 'q', '1'],
        ])
          expect(await refused(cli([...argv, '--table', 'ttt', '--endpoint', endpoint]))).toBe(
            `lockrow: what answers at ${endpoint} is not DynamoDB: check --endpoint\n`,
          )
    } finally {
      web.close()
    }
  })

  it('a name that no table can have', async () => {
    expect(await refused(on.lockrow(['get', 'a', 'b', '--table', 'no name']))).toMatch(/[Tt]able/)
    expect(await refused(on.lockrow(['queue', 'push', 'q', '1', '--table', 'no name']))).not.toContain(
      'pushed 0',
    )
  })

  it('Ctrl-C ends a read that is not answered', async () => {
    const { port } = mute.address() as { port: number }
    const begun = performance.now()
    const ran = await cli(['get', 'a', 'b', '--table', 't', '--endpoint', `http://127.0.0.1:${port}`], {
      signal: AbortSignal.timeout(200),
    })
    expect(ran).toEqual({ code: 130, out: '', err: 'lockrow: stopped\n' })
    expect(performance.now() - begun).toBeLessThan(2000)
  })

  it('--verbose adds the stack and its causes', async () => {
    const ran = await on.lockrow(['get', 'a', 'b', '--table', 'cli-none', '--verbose'])
    expect(ran.code).toBe(2)
    expect(ran.err).toMatch(/^lockrow: there is no table[^\n]*\n/)
    expect(ran.err).toMatch(/\n {4}at .*\ncaused by: ResourceNotFoundException/s)
  })
})
