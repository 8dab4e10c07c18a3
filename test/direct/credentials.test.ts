import { describe, expect, it, vi } from 'vitest'
import { credentialSource } from '../../src/direct/credential-source.ts'
import type { Credentials, CredentialsProvider } from '../../src/direct/credentials.ts'
import { BackendError, InvalidInput } from '../../src/index.ts'
import { StorageFault } from '../../src/storage.ts'

const minute = 60_000
const begin = Date.UTC(2026, 10, 21)

/** A clock that tests move. */
function clock() {
  let at = begin
  const pass = (ms: number) => {
    at += ms
  }
  return { now: () => at, pass }
}

const secret = 'wJalrXUtnFEMI/K7MDENG'
const keys = (accessKeyId: string, lifeMs?: number, since = begin): Credentials => ({
  accessKeyId,
  secretAccessKey: secret,
  sessionToken: `token-of-${accessKeyId}`,
  ...(lifeMs === undefined ? {} : { expiration: new Date(since + lifeMs) }),
})

/** A provider whose answers the test gives one by one. */
function provider() {
  const waiting: { resolve: (given: unknown) => void; reject: (error: unknown) => void }[] = []
  const ask = vi.fn(
    () => new Promise<Credentials>((resolve, reject) => waiting.push({ resolve: resolve as never, reject })),
  )
  const next = () => waiting.shift()!
  return {
    ask,
    give: (given: unknown) => next().resolve(given),
    fail: (error: unknown) => next().reject(error),
  }
}

const idOf = async (credentials: Promise<Credentials>) => (await credentials).accessKeyId
/** Lets everything run that waits for nothing but promises. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('credentials of the environment', () => {
  const lambda = { AWS_ACCESS_KEY_ID: 'ASIA1', AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: 'token' }

  it('are those of a Lambda function', async () => {
    const source = credentialSource(undefined, lambda)
    expect(await source.current()).toEqual({
      accessKeyId: 'ASIA1',
      secretAccessKey: secret,
      sessionToken: 'token',
    })
  })

  it('have no token where it is empty, and an account and an expiry where they are set', async () => {
    const expiration = new Date(begin + 60 * minute)
    const env = { ...lambda, AWS_SESSION_TOKEN: '', AWS_ACCOUNT_ID: '123456789012' }
    const source = credentialSource(
      undefined,
      { ...env, AWS_CREDENTIAL_EXPIRATION: expiration.toISOString() },
      () => begin,
    )
    const given = { accessKeyId: 'ASIA1', secretAccessKey: secret }
    expect(await source.current()).toEqual({ ...given, accountId: '123456789012', expiration })
  })

  it('are read anew when the service calls them expired', async () => {
    const env: Record<string, string> = { ...lambda }
    const source = credentialSource(undefined, env)
    const old = await source.current()
    env.AWS_ACCESS_KEY_ID = 'ASIA2'
    expect(await source.current()).toBe(old)
    source.expired(old)
    expect(await idOf(source.current())).toBe('ASIA2')
  })

  it.each([
    ['no credentials', {}, /^no AWS credentials: set AWS_ACCESS_KEY_ID .*fromNodeProviderChain/],
    ['half of them', { AWS_ACCESS_KEY_ID: 'A' }, /^AWS_SECRET_ACCESS_KEY: is missing/],
    [
      'a line break',
      { ...lambda, AWS_SECRET_ACCESS_KEY: `${secret}\n` },
      /^AWS_SECRET_ACCESS_KEY: contains .*line break/,
    ],
    [
      'a wrong date',
      { ...lambda, AWS_CREDENTIAL_EXPIRATION: 'soon' },
      /^AWS_CREDENTIAL_EXPIRATION: must be a valid Date/,
    ],
    ['a wrong account', { ...lambda, AWS_ACCOUNT_ID: 'evil.com/' }, /^AWS_ACCOUNT_ID: must be the 12 digits/],
  ])('with %s are an error that says what to set', async (_, env, message) => {
    const failure = await credentialSource(undefined, env)
      .current()
      .catch((error) => error)
    expect(failure).toBeInstanceOf(BackendError)
    expect(failure.message).toMatch(message)
    expect(failure.message).not.toContain(secret)
  })
})

describe('credentials as an object', () => {
  it('are used as they are, without fields of others', async () => {
    const given = { ...keys('AKIA'), $source: {} }
    expect(await credentialSource(given, {}).current()).toEqual(keys('AKIA'))
  })

  it('go before the environment', async () => {
    const env = { AWS_ACCESS_KEY_ID: 'ENV', AWS_SECRET_ACCESS_KEY: secret }
    expect(await idOf(credentialSource(keys('AKIA'), env).current())).toBe('AKIA')
  })

  it.each<[unknown, RegExp]>([
    [null, /^credentials: must be an object with accessKeyId/],
    ['AKIA', /^credentials: must be an object/],
    [{ accessKeyId: 'AKIA' }, /^credentials\.secretAccessKey: is missing/],
    [{ accessKeyId: '', secretAccessKey: secret }, /^credentials\.accessKeyId: is missing/],
    [{ accessKeyId: 7, secretAccessKey: secret }, /^credentials\.accessKeyId: must be a string/],
    [{ accessKeyId: 'A', secretAccessKey: ` ${secret}` }, /^credentials\.secretAccessKey: contains a space/],
    [{ ...keys('A'), sessionToken: 'ä' }, /^credentials\.sessionToken: contains/],
    [{ ...keys('A'), expiration: '2026-11-21' }, /^credentials\.expiration: must be a valid Date/],
    [{ ...keys('A'), expiration: new Date(Number.NaN) }, /^credentials\.expiration: must be a valid Date/],
    [{ ...keys('A'), accountId: 7 }, /^credentials\.accountId: must be the 12 digits/],
  ])('%j are refused at once', (given, message) => {
    const make = () => credentialSource(given as never, {})
    expect(make).toThrow(InvalidInput)
    expect(make).toThrow(message)
    expect(make).not.toThrow(secret)
  })

  it('that the service calls expired are an error that says so, at each call that uses them', async () => {
    const source = credentialSource(keys('AKIA'), {})
    for (let call = 0; call < 2; call++) {
      const used = await source.current()
      source.expired(used)
      await expect(source.current()).rejects.toThrow(
        /have expired, and the option 'credentials' has no newer ones/,
      )
    }
  })
})

describe('credentials of a provider', () => {
  it('are asked for once, by whoever comes at the same time', async () => {
    const { ask, give } = provider()
    const source = credentialSource(ask, {})
    const all = Array.from({ length: 20 }, () => source.current())
    give(keys('A'))
    const [first, ...others] = await Promise.all(all)
    expect(others.every((other) => other === first)).toBe(true)
    expect(await source.current()).toBe(first)
    expect(ask).toHaveBeenCalledTimes(1)
  })

  it('may come from one that returns at once, and with more fields', async () => {
    const sdk = (() => ({
      ...keys('A'),
      credentialScope: 'x',
      $source: { CREDENTIALS_CODE: 'e' },
    })) as unknown
    expect(await credentialSource(sdk as CredentialsProvider, {}).current()).toEqual(keys('A'))
  })

  it('are refreshed behind the back of callers in the last 5 minutes, and before their eyes after the end', async () => {
    const { now, pass } = clock()
    const { ask, give } = provider()
    const source = credentialSource(ask, {}, now)
    const first = source.current()
    give(keys('A', 60 * minute))
    await first
    pass(54 * minute)
    expect(await idOf(source.current())).toBe('A')
    expect(ask).toHaveBeenCalledTimes(1)
    pass(2 * minute)
    // Nobody waits for these two, and one question is enough.
    expect(await idOf(source.current())).toBe('A')
    expect(await idOf(source.current())).toBe('A')
    expect(ask).toHaveBeenCalledTimes(2)
    give(keys('B', 60 * minute, now()))
    await settled()
    expect(await idOf(source.current())).toBe('B')
    pass(61 * minute)
    const after = source.current()
    expect(ask).toHaveBeenCalledTimes(3)
    give(keys('C', 60 * minute, now()))
    expect(await idOf(after)).toBe('C')
  })

  it('are kept while they count when a refresh fails, which is tried again after 10 seconds', async () => {
    const { now, pass } = clock()
    const { ask, give, fail } = provider()
    const source = credentialSource(ask, {}, now)
    const first = source.current()
    give(keys('A', 60 * minute))
    await first
    pass(57 * minute)
    await source.current()
    fail(new Error('no luck'))
    await settled()
    expect(await idOf(source.current())).toBe('A')
    expect(ask).toHaveBeenCalledTimes(2)
    pass(10_000)
    await source.current()
    expect(ask).toHaveBeenCalledTimes(3)
    fail(new Error('no luck'))
    await settled()
    pass(3 * minute)
    const after = source.current()
    fail(new Error('no luck'))
    await expect(after).rejects.toThrow(BackendError)
  })

  it('that have expired by our clock are used, for the clock may be wrong, and asked for again soon', async () => {
    const { now, pass } = clock()
    const ask = vi.fn(async () => keys('A', -minute))
    const source = credentialSource(ask, {}, now)
    await source.current()
    expect(await idOf(source.current())).toBe('A')
    expect(ask).toHaveBeenCalledTimes(1)
    pass(10_000)
    await source.current()
    expect(ask).toHaveBeenCalledTimes(2)
  })

  it('that the service calls expired are asked for again, once for all', async () => {
    const { ask, give } = provider()
    const source = credentialSource(ask, {})
    const first = source.current()
    give(keys('A'))
    const old = await first
    source.expired(old)
    source.expired(old)
    const both = [source.current(), source.current()]
    give(keys('B'))
    expect(await Promise.all(both.map(idOf))).toEqual(['B', 'B'])
    // Somebody whose request was on the way with the old ones.
    source.expired(old)
    expect(await idOf(source.current())).toBe('B')
    expect(ask).toHaveBeenCalledTimes(2)
  })

  it('that the service calls expired are not used again while the provider fails', async () => {
    const { ask, give, fail } = provider()
    const source = credentialSource(ask, {})
    const first = source.current()
    give(keys('A', 1000 * minute, Date.now()))
    source.expired(await first)
    const second = source.current()
    fail(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }))
    await expect(second).rejects.toThrow(StorageFault)
    const third = source.current()
    give(keys('B'))
    expect(await idOf(third)).toBe('B')
    expect(ask).toHaveBeenCalledTimes(3)
  })

  it('are waited for by each caller as long as it likes', async () => {
    const { ask, give } = provider()
    const source = credentialSource(ask, {})
    const leave = new AbortController()
    const leaving = source.current(leave.signal)
    const staying = source.current(new AbortController().signal)
    leave.abort(new Error('enough'))
    await expect(leaving).rejects.toThrow('enough')
    await expect(source.current(leave.signal)).rejects.toThrow('enough')
    give(keys('A'))
    expect(await idOf(staying)).toBe('A')
    expect(ask).toHaveBeenCalledTimes(1)
  })

  it.each<[unknown, RegExp]>([
    [undefined, /^the credentials provider gave no AWS credentials: credentials must be an object/],
    [{ AccessKeyId: 'A' }, /credentials\.accessKeyId is missing/],
    [{ ...keys('A'), secretAccessKey: `${secret}\n` }, /credentials\.secretAccessKey contains .*line break/],
    [{ ...keys('A'), expiration: '2026-11-21' }, /credentials\.expiration must be a valid Date/],
  ])('that are %j are refused', async (given, message) => {
    const failure = await credentialSource(async () => given as never, {})
      .current()
      .catch((error) => error)
    expect(failure).toBeInstanceOf(BackendError)
    expect(failure.message).toMatch(message)
    expect(failure.message).not.toContain(secret)
  })

  it('that fails give its error as cause only, for its text may contain anything', async () => {
    const cause = new Error(`Unexpected token in "${secret}"`)
    const rejecting = () => Promise.reject(cause)
    const throwing = () => {
      throw cause
    }
    for (const failing of [rejecting, throwing]) {
      const failure = await credentialSource(failing, {})
        .current()
        .catch((error) => error)
      expect(failure).toBeInstanceOf(BackendError)
      expect(failure.message).toBe(
        'the credentials provider failed (Error): log in, or check what it reads; see cause',
      )
      expect(failure.cause).toBe(cause)
    }
  })

  it('that fails in passing can be repeated', async () => {
    const cause = Object.assign(new Error('x'), { code: 'ETIMEDOUT' })
    const failure = await credentialSource(() => Promise.reject(cause), {})
      .current()
      .catch((error) => error)
    expect(failure).toBeInstanceOf(StorageFault)
    expect(failure).toMatchObject({
      kind: 'unreachable',
      message: 'the credentials provider: ETIMEDOUT',
      cause,
    })
  })

  it('is given up when it does not answer within a minute', async () => {
    vi.useFakeTimers()
    try {
      const failure = credentialSource(() => new Promise(() => {}), {})
        .current()
        .catch((error) => error)
      await vi.advanceTimersByTimeAsync(60_000)
      expect(await failure).toMatchObject({
        kind: 'unreachable',
        message: expect.stringContaining('within 60 s'),
      })
    } finally {
      vi.useRealTimers()
    }
  })
})
