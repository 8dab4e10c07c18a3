import { engineOptions } from '../engine/context.ts'
import { AtomicEngine, type EngineOptions } from '../engine/engine.ts'
import { InvalidInput } from '../errors.ts'
import { milliseconds, wholeNumber } from '../model/checks.ts'
import { optionsCheck } from '../model/options-check.ts'
import { systemRuntime } from '../runtime.ts'
import { linkOf, type RedisClient } from './client.ts'
import { checkPrefix } from './names.ts'
import { RedisStorage } from './storage.ts'

/** Options of `AtomicRedisDb`. */
export interface AtomicRedisDbOptions extends EngineOptions {
  /**
   * What all keys begin with, in braces: `{lockrow}:...`. Several databases fit one server.
   * @default 'lockrow'
   */
  prefix?: string
  /**
   * How many replicas must have a write before it is answered (`WAIT`). A failover may lose what no replica has. A write
   * that they do not confirm is there, and is `OutcomeUnknown`. Not with a cluster, a pool or sentinels of `redis`.
   * @default 0
   */
  waitForReplicas?: number
  /**
   * How long replicas are waited for, ms. The connection waits with it.
   * @default 1000
   */
  replicaTimeoutMs?: number
  /**
   * A request without an answer for so long is given up, ms: the server may have gone without a word.
   * @default 30000
   */
  answerTimeoutMs?: number
}

const checkRedisOptions = /* @__PURE__ */ optionsCheck<AtomicRedisDbOptions>(() => [
  { ...engineOptions, prefix: true, waitForReplicas: true, replicaTimeoutMs: true, answerTimeoutMs: true },
  {
    keyPrefix: "use 'prefix'",
    table: "use 'prefix'",
    tableName: "use 'prefix'",
    timeout: "use 'timeoutMs' for calls, 'answerTimeoutMs' for requests",
  },
])

/**
 * The database in Redis 6.2, Valkey 7.2 or later. Any number of processes may use it. How durable it is the server's settings
 * say: see docs/redis.md.
 *
 * @example
 * const client = await createClient({ url: process.env.REDIS_URL }).connect()
 * const db = new AtomicRedisDb(client)
 * await db.set({ pk: 'users', sk: 'ann', data: { name: 'Ann' } })
 */
export class AtomicRedisDb extends AtomicEngine {
  /**
   * No I/O here: a server that cannot be reached is an error of the first call. The client stays yours, and is closed by you.
   *
   * @param client A client of `redis` 5 and later, `ioredis` or `iovalkey`. One that sends commands again by itself is refused.
   * @throws InvalidInput for what is no such client, and for options that cannot be.
   */
  constructor(client: RedisClient, options: AtomicRedisDbOptions = {}) {
    checkRedisOptions(options)
    const {
      prefix = 'lockrow',
      waitForReplicas = 0,
      replicaTimeoutMs = 1000,
      answerTimeoutMs = 30_000,
      ...rest
    } = options
    const link = linkOf(client)
    checkPrefix(prefix)
    wholeNumber(waitForReplicas, 'options.waitForReplicas', { min: 0, max: 100 })
    milliseconds(replicaTimeoutMs, 'options.replicaTimeoutMs')
    milliseconds(answerTimeoutMs, 'options.answerTimeoutMs')
    if (waitForReplicas > 0 && !link.isSingle)
      throw new InvalidInput('options.waitForReplicas', 'needs a client of one server with one connection')
    const replicas = waitForReplicas > 0 ? { count: waitForReplicas, ms: replicaTimeoutMs } : undefined
    const runtime = options.runtime ?? systemRuntime
    super(new RedisStorage({ link, prefix, runtime, answerMs: answerTimeoutMs, replicas }), rest)
  }
}
