import { DynamoDBClient, type DynamoDBClientConfig, GetItemCommand } from '@aws-sdk/client-dynamodb'
import { expect, test } from 'vitest'
import { type Command, sender } from '../../src/dynamo/no-sdk-retry.ts'
import { mayBeAfterSending } from '../../src/dynamo/trail.ts'

/** A client whose socket answers as told; `fails` is thrown there. */
function clientOf(more: DynamoDBClientConfig & { fails?: Error } = {}) {
  const { fails, ...config } = more
  let requests = 0
  const client = new DynamoDBClient({
    region: 'local',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    requestHandler: {
      async handle() {
        requests++
        throw fails ?? new Error('no answer')
      },
    },
    ...config,
  })
  return { client, requests: () => requests }
}
const command = () =>
  new GetItemCommand({
    TableName: 't',
    Key: { pk: { S: 'p' }, sk: { S: 's' } },
  }) as unknown as Command<unknown>
const thrownBy = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => expect.unreachable(),
    (error) => error,
  )
const transient = () => Object.assign(new Error('reset'), { name: 'TimeoutError', code: 'ECONNRESET' })

test('a request that the SDK would repeat is sent once, and is known to have been sent', async () => {
  const { client, requests } = clientOf({ maxAttempts: 5, fails: transient() })
  const error = await thrownBy(sender(client)(command(), {}))
  expect(requests()).toBe(1)
  expect(error).toMatchObject({ code: 'ECONNRESET' })
  expect(mayBeAfterSending(error)).toBe(true)
})

test('what is asked before sending may refuse: nothing was sent then', async () => {
  const { client, requests } = clientOf()
  const refusal = new Error('too late')
  const beforeSending = () => {
    throw refusal
  }
  const error = await thrownBy(sender(client)(command(), { beforeSending }))
  expect([error, requests(), mayBeAfterSending(refusal)]).toEqual([refusal, 0, false])
})

test('credentials that are not there keep the request from being sent', async () => {
  const missing = new Error('none')
  const credentials = () => Promise.reject(missing)
  const { client, requests } = clientOf({ credentials })
  const error = await thrownBy(sender(client)(command(), {}))
  expect([requests(), mayBeAfterSending(error)]).toEqual([0, false])
})

test('of what is no client of the SDK nobody knows what it sent; what is no error becomes one', async () => {
  const foreign = { config: {}, send: () => Promise.reject('broken') }
  const error = await thrownBy(sender(foreign as never)(command(), {}))
  expect(error).toBeInstanceOf(Error)
  expect([error.message, error.cause, mayBeAfterSending(error)]).toEqual(['broken', 'broken', true])
})

test('the signal is passed on, and ends the request', async () => {
  const stop = new AbortController()
  let seen: unknown
  const client = {
    config: {},
    send(_: unknown, options: { abortSignal?: AbortSignal }) {
      seen = options
      return Promise.resolve({ Item: {} })
    },
  }
  expect(await sender(client as never)(command(), { signal: stop.signal })).toEqual({ Item: {} })
  expect(seen).toEqual({ abortSignal: stop.signal })
  await sender(client as never)(command(), {})
  expect(seen).toEqual({})
})

test("a user's logger hears of every request, and no copy is made for one that does nothing", async () => {
  const told: unknown[] = []
  const logger = { debug() {}, info() {}, warn() {}, error: (entry: unknown) => told.push(entry) }
  const stackOf = async (of: object) => {
    const { client } = clientOf({ logger: of as never, fails: transient() })
    const one = command() as unknown as { middlewareStack: { identify(): string[] } } & Command<unknown>
    await thrownBy(sender(client)(one, {}))
    return one.middlewareStack.identify().filter((text) => text.startsWith('loggerMiddleware'))
  }
  const talking = { ...logger, info: (entry: unknown) => told.push(entry) }
  expect(await stackOf(talking)).toEqual([])
  expect(await stackOf(logger)).toHaveLength(1)
  expect(told.length).toBeGreaterThan(0)
})
