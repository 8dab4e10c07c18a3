import { randomBytes } from 'node:crypto'
import Redis from 'ioredis'
import Valkey from 'iovalkey'
import type { RedisClient } from 'lockrow/redis'
import { createClient } from 'redis'
import { describe, it } from 'vitest'

/** A server for tests: `REDIS_URL`, or the one of this machine. */
export const redisUrl = process.env.REDIS_URL ?? 'redis://127.0.0.1:6379'

/** A client that is connected, and its end. */
export interface TestClient {
  readonly client: RedisClient
  close(): void
}

async function nodeRedis(url: string): Promise<TestClient> {
  const client = createClient({ url })
  client.on('error', () => {})
  await client.connect()
  return { client, close: () => client.destroy() }
}

async function ioRedis(url: string, Class: typeof Redis): Promise<TestClient> {
  const client = new Class(url, { autoResendUnfulfilledCommands: false, lazyConnect: true })
  client.on('error', () => {})
  await client.connect()
  return { client, close: () => client.disconnect() }
}

/** Clients by the libraries. */
export const libraries: Readonly<Record<string, (url?: string) => Promise<TestClient>>> = {
  redis: (url = redisUrl) => nodeRedis(url),
  ioredis: (url = redisUrl) => ioRedis(url, Redis),
  iovalkey: (url = redisUrl) => ioRedis(url, Valkey as unknown as typeof Redis),
}

async function isThere(): Promise<boolean> {
  const client = createClient({ url: redisUrl, socket: { reconnectStrategy: false, connectTimeout: 5000 } })
  client.on('error', () => {})
  try {
    await client.connect()
    client.destroy()
    return true
  } catch {
    return false
  }
}

const found = await isThere()

/** Tests that need a server. Without one they are skipped with a line that says why; under CI they fail. */
export function onRedis(tests: () => void): void {
  if (found) {
    describe('Redis', tests)
    return
  }
  const why =
    'no Redis: docker run -d -p 127.0.0.1:6379:6379 valkey/valkey, apt-get install redis-server, or REDIS_URL'
  if (process.env.CI) throw new Error(why)
  console.warn(`skipped: ${why}`)
  it.skip(why)
}

/** A name that no other test has. */
export const newPrefix = (): string => `test-${randomBytes(8).toString('hex')}`

/** Deletes what a test has made. */
export async function dropPrefix(prefix: string, url = redisUrl): Promise<void> {
  const client = await createClient({ url }).connect()
  for await (const keys of client.scanIterator({ MATCH: `{${prefix}[/}]*`, COUNT: 1000 }))
    if (keys.length > 0) await client.unlink(keys)
  client.destroy()
}
