import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { containerCredentials, containerUrl } from '../../src/direct/container-credentials.ts'
import { credentialSource } from '../../src/direct/credential-source.ts'
import { BackendError } from '../../src/index.ts'
import { StorageFault } from '../../src/storage.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const secret = 'wJalrXUtnFEMI/K7MDENG'
const token = 'pod-identity-token'
const body = {
  AccessKeyId: 'ASIA1',
  SecretAccessKey: secret,
  Token: 'session',
  Expiration: '2036-11-21T00:00:00Z',
  AccountId: '123456789012',
}
const expected = {
  accessKeyId: 'ASIA1',
  secretAccessKey: secret,
  sessionToken: 'session',
  expiration: new Date('2036-11-21T00:00:00Z'),
  accountId: '123456789012',
}

/** A server that answers with the credentials, and what it was asked. */
async function agent() {
  const asked: { path: string | undefined; authorization: string | undefined }[] = []
  const base = await serve((request, response) => {
    asked.push({ path: request.url, authorization: request.headers.authorization })
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(body))
  })
  return { base, asked }
}

describe('credentials of a container', () => {
  it('come from the relative URI of ECS', async () => {
    const { base, asked } = await agent()
    const env = { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/v2/credentials/7?a=b' }
    expect(await containerCredentials(env, base)).toEqual(expected)
    expect(asked).toEqual([{ path: '/v2/credentials/7?a=b', authorization: undefined }])
    expect(containerUrl(env)?.href).toBe('http://169.254.170.2/v2/credentials/7?a=b')
  })

  it('come from the full URI of EKS, with the token of the file as it is now', async () => {
    const { base, asked } = await agent()
    const folder = await mkdtemp(join(tmpdir(), 'lockrow-token-'))
    try {
      const file = join(folder, 'token')
      const env = {
        AWS_CONTAINER_CREDENTIALS_FULL_URI: `${base}/v1/credentials`,
        AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file,
        AWS_CONTAINER_AUTHORIZATION_TOKEN: 'not this one',
      }
      const source = credentialSource(undefined, env)
      await writeFile(file, `${token}-1\n`)
      const first = await source.current()
      expect(first).toEqual(expected)
      await writeFile(file, `${token}-2`)
      source.expired(first)
      await expect(source.current()).rejects.toThrow(/have expired, and the environment has no newer ones/)
      const path = '/v1/credentials'
      expect(asked).toEqual([
        { path, authorization: `${token}-1` },
        { path, authorization: `${token}-2` },
      ])
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('come with the token of the environment, after the keys there', async () => {
    const { base, asked } = await agent()
    const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI: base, AWS_CONTAINER_AUTHORIZATION_TOKEN: token }
    expect(await credentialSource(undefined, env).current()).toEqual(expected)
    expect(asked).toEqual([{ path: '/', authorization: token }])
    const keys = { AWS_ACCESS_KEY_ID: 'ENV', AWS_SECRET_ACCESS_KEY: secret }
    expect((await credentialSource(undefined, { ...env, ...keys }).current()).accessKeyId).toBe('ENV')
    expect(asked).toHaveLength(1)
  })

  it('are none where the environment names no endpoint', async () => {
    expect(await containerCredentials({})).toBeUndefined()
  })
})

describe('an endpoint for credentials', () => {
  const full = (AWS_CONTAINER_CREDENTIALS_FULL_URI: string) =>
    containerUrl({ AWS_CONTAINER_CREDENTIALS_FULL_URI })

  it.each([
    'http://localhost/x',
    'http://127.0.0.1:80/x',
    'http://127.9.9.9/x',
    'http://[::1]/x',
    'http://169.254.170.2/x',
    'http://169.254.170.23/v1/credentials',
    'http://[fd00:ec2::23]/v1/credentials',
    'https://credentials.example.com/x',
  ])('may be %s', (url) => {
    expect(full(url)?.href).toBe(new URL(url).href)
  })

  it.each([
    'http://credentials.example.com/x',
    'http://127.0.0.1.example.com/',
    'http://localhost.example.com/',
    'http://127.0.0.1@example.com/',
    'http://169.254.169.254/latest',
    'http://10.0.0.1/',
    'ftp://localhost/x',
    'file:///etc/passwd',
  ])('may not be %s', (url) => {
    expect(() => full(url)).toThrow(
      /^AWS_CONTAINER_CREDENTIALS_FULL_URI: must be https, or http to this machine/,
    )
  })

  it('must be an address', () => {
    expect(() => full('/v1/credentials')).toThrow(/^AWS_CONTAINER_CREDENTIALS_FULL_URI: must be a URL/)
    const relative = { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '@example.com/' }
    expect(() => containerUrl(relative)).toThrow(/^AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: must be a path/)
  })
})

describe('an endpoint for credentials that', () => {
  /** What becomes of its answer. */
  async function failureOf(listener: RequestListener): Promise<Error> {
    const AWS_CONTAINER_CREDENTIALS_FULL_URI = await serve(listener)
    const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI, AWS_CONTAINER_AUTHORIZATION_TOKEN: token }
    const failure = await credentialSource(undefined, env)
      .current()
      .then(
        () => new Error('given'),
        (error) => error,
      )
    const all = `${failure.message} ${failure.cause?.message}`
    expect(all).not.toContain(secret)
    expect(all).not.toContain(token)
    return failure
  }
  const answer =
    (status: number, type: string, text: string): RequestListener =>
    (_, response) =>
      response.writeHead(status, { 'content-type': type }).end(text)

  it.each<[string, RequestListener, RegExp]>([
    [
      'refuses',
      answer(403, 'application/json', '{"Code":"AccessDenied"}'),
      /refused \(HTTP 403, AccessDenied\): check the role/,
    ],
    [
      'refuses with its page',
      answer(403, 'text/html', `<html>${secret}`),
      /refused \(HTTP 403\): check the role/,
    ],
    [
      'refuses with too much of a code',
      answer(400, 'application/json', JSON.stringify({ code: `${secret} x` })),
      /\(HTTP 400\)/,
    ],
    [
      'sends elsewhere',
      (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
      /refused \(HTTP 302\)/,
    ],
    [
      'answers with a page',
      answer(200, 'text/html; charset=utf-8', `<html>${secret}`),
      /the answer is text\/html, not credentials/,
    ],
    [
      'answers with half of them',
      answer(200, 'application/json', JSON.stringify(body).slice(0, 60)),
      /the answer is application\/json, not credentials/,
    ],
    ['answers with no type', (_, response) => response.end('x'), /the answer is not JSON, not credentials/],
    ['answers with a text', answer(200, 'application/json', '"x"'), /not credentials: check AWS_CONTAINER/],
    [
      'forgets the secret',
      answer(200, 'application/json', '{"AccessKeyId":"A"}'),
      /: SecretAccessKey is missing/,
    ],
    [
      'gives a wrong date',
      answer(200, 'application/json', JSON.stringify({ ...body, Expiration: 'soon' })),
      /: Expiration must be a valid Date/,
    ],
  ])('%s is an error that says what to check', async (_, listener, message) => {
    const failure = await failureOf(listener)
    expect(failure).toBeInstanceOf(BackendError)
    expect(failure.message).toMatch(message)
  })

  it.each<[string, RequestListener, RegExp]>([
    ['has too much to do', answer(429, 'text/plain', ''), /HTTP 429/],
    ['is broken', answer(500, 'text/plain', secret), /HTTP 500/],
    ['hangs up', (request) => request.socket.destroy(), /ECONNRESET/],
    [
      'hangs up in the middle',
      (_, response) => {
        response.writeHead(200, { 'content-length': '1000' }).write('{"AccessKeyId":')
        setImmediate(() => response.destroy())
      },
      /ECONNRESET/,
    ],
    ['answers with too much', answer(200, 'application/json', ' '.repeat(70_000)), /more than 65536 bytes/],
  ])('%s can be asked again', async (_, listener, message) => {
    const failure = await failureOf(listener)
    expect(failure).toBeInstanceOf(StorageFault)
    expect(failure).toMatchObject({ kind: 'unreachable', message: expect.stringMatching(message) })
  })

  it('says nothing is given up after 3 seconds', async () => {
    const before = performance.now()
    const failure = await failureOf(() => {})
    expect(failure).toMatchObject({
      kind: 'unreachable',
      message: expect.stringContaining('no answer within 3 s'),
    })
    expect(performance.now() - before).toBeGreaterThan(2900)
  })

  it('is not there can be asked again', async () => {
    const base = await serve(() => {})
    await new Promise((resolve) => servers[0]!.close(resolve))
    const failure = await containerCredentials({ AWS_CONTAINER_CREDENTIALS_FULL_URI: base }).catch(
      (error) => error,
    )
    expect(failure).toMatchObject({ kind: 'unreachable', message: expect.stringContaining('ECONNREFUSED') })
  })
})

describe('the token for the endpoint', () => {
  it('must be readable', async () => {
    const { base } = await agent()
    const env = {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: base,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: '/nowhere/token',
    }
    await expect(containerCredentials(env)).rejects.toThrow(
      /^AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: cannot be read \(ENOENT\)/,
    )
  })

  it('must fit into a header', async () => {
    const { base, asked } = await agent()
    const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI: base, AWS_CONTAINER_AUTHORIZATION_TOKEN: 'a\r\nb: c' }
    const failure = await containerCredentials(env).catch((error) => error)
    expect(failure).toBeInstanceOf(BackendError)
    expect(failure.message).toBe(
      'AWS_CONTAINER_AUTHORIZATION_TOKEN: contains a line break or another character that no token has',
    )
    expect(asked).toEqual([])
  })
})
