import { BackendError, InvalidInput } from '../errors.ts'

/** A client, cluster, pool or sentinel of `redis` (node-redis 5 and later). */
export interface NodeRedisLike {
  sendCommand: (...values: never[]) => Promise<unknown>
  readonly isOpen: boolean
  on: (event: never, listener: never) => unknown
}

/** `Redis` or `Cluster` of `ioredis` or `iovalkey`. */
export interface IoRedisLike {
  call: (...values: never[]) => unknown
  connect: () => Promise<unknown>
  readonly status: string
  on: (event: never, listener: never) => unknown
}

/** A client of one of the libraries. */
export type RedisClient = NodeRedisLike | IoRedisLike

/** What the libraries have in common, as far as it is needed here. */
export interface Link {
  /** Whether a command would leave at once. Throws where it never will. */
  isReady(): boolean
  /** Sends a command with texts for answers. `key` tells a cluster where to. */
  send(command: readonly string[], key: string): Promise<unknown>
  /** Called when what was sent will not be answered any more, where the library does not say so itself. */
  onLost(listener: () => void): void
  /** Whether all commands travel on one connection. */
  readonly isSingle: boolean
}

type Loose = Record<string, unknown> & { options?: Record<string, unknown> }

const ignore = (): void => {}

/** Throws `InvalidInput` for what is no client, and for one that would send a write twice. */
export function linkOf(client: RedisClient): Link {
  const given = client as unknown as Loose | null | undefined
  if (typeof given?.call === 'function' && typeof given.status === 'string')
    return ioRedisLink(client as IoRedisLike)
  if (typeof given?.sendCommand === 'function' && typeof given.isOpen === 'boolean')
    return nodeRedisLink(client as NodeRedisLike)
  throw new InvalidInput('client', "must be a client of 'redis', 'ioredis' or 'iovalkey'", {
    given: client === null ? 'null' : typeof client,
  })
}

function nodeRedisLink(client: NodeRedisLike): Link {
  const given = client as unknown as Loose & { isReady?: boolean }
  const send = client.sendCommand.bind(client) as (...values: unknown[]) => Promise<unknown>
  const isCluster = typeof given.nodeClient === 'function'
  const isSentinel = typeof given.getSentinelNode === 'function'
  const isPool = typeof given.execute === 'function' && typeof given.idleClients === 'number'
  listen(client, 'error', ignore)
  return {
    isSingle: !isCluster && !isPool && !isSentinel,
    isReady() {
      if (!client.isOpen)
        throw new BackendError("the client is not connected: 'await client.connect()' before the first call")
      return given.isReady ?? true
    },
    send(command, key) {
      if (isCluster) return send(key, false, command, { typeMapping: {} })
      if (isSentinel) return send(false, command, { typeMapping: {} })
      return send(command, { typeMapping: {} })
    },
    onLost: ignore,
  }
}

function ioRedisLink(client: IoRedisLike): Link {
  const given = client as unknown as Loose & { isCluster?: boolean }
  checkResending(given)
  const call = client.call.bind(client) as (...values: unknown[]) => Promise<unknown>
  listen(client, 'error', ignore)
  return {
    isSingle: !given.isCluster,
    isReady() {
      if (client.status === 'end') throw new BackendError('the client was closed: make another one')
      if (client.status === 'wait') void client.connect().catch(ignore)
      return client.status === 'ready'
    },
    send: (command) => call(...command),
    // What was sent before is forgotten with the connection.
    onLost: (listener) => listen(client, 'close', listener),
  }
}

/** A write that was applied and is sent again by the library itself would be applied twice. */
function checkResending({ isCluster, options = {} }: Loose & { isCluster?: boolean }): void {
  if (isCluster) {
    if (options.retryDelayOnFailover !== 0)
      throw new InvalidInput(
        'client',
        'sends commands again that may have been applied: make the cluster with retryDelayOnFailover: 0; lockrow tries again by itself',
      )
    if (options.scaleReads !== 'master')
      throw new InvalidInput('client', "reads from replicas: make the cluster with scaleReads: 'master'")
    return
  }
  if (options.autoResendUnfulfilledCommands !== false)
    throw new InvalidInput(
      'client',
      'sends commands again that may have been applied: make it with autoResendUnfulfilledCommands: false; lockrow tries again by itself',
    )
}

const heard = new WeakMap<object, Set<string>>()

/** Several databases may use one client: errors need one listener only. */
function listen(client: RedisClient, event: string, listener: () => void): void {
  const events = heard.get(client) ?? new Set()
  if (listener === ignore && events.has(event)) return
  heard.set(client, events.add(event))
  const on = client.on as (event: string, listener: () => void) => unknown
  on.call(client, event, listener)
}
