import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { RequestOptions } from '../storage.ts'
import { noteSent } from './trail.ts'

/**
 * Sends commands so that every request is one try of ours. The SDK repeats by a middleware of the client: a command
 * can put another one in its place, for itself alone. So neither the client nor its settings (`maxAttempts`, a
 * `retryStrategy` of its own) matter or change. Signing, and with it the correction of a clock that is wrong, stays.
 */

type Next = (args: unknown) => Promise<unknown>
type Middleware = (next: Next, context?: unknown) => Next

interface Stack {
  add(middleware: never, options: object): void
}

const straightOn: Middleware = (next) => next

/** The same step and priority as the SDK's own middleware, so that this one replaces it. */
const inPlaceOfRetry = {
  name: 'retryMiddleware',
  tags: ['RETRY'],
  step: 'finalizeRequest',
  priority: 'high',
  override: true,
}
const inPlaceOfLogger = { name: 'loggerMiddleware', tags: ['LOGGER'], step: 'initialize', override: true }
/** Behind everything else: the next thing is the socket. */
const lastOfAll = { name: 'lockrowBeforeSending', step: 'deserialize', priority: 'low', override: true }

/**
 * The SDK's own logger does nothing, but a filtered copy of every reply is prepared for it, at a third of the
 * client's work on a query. A real one is kept.
 */
const isIdle = (logger: { info?: unknown } | undefined): boolean =>
  /^(info)?\s*\([^)]*\)\s*\{\s*\}$/.test(String(logger?.info))

/** A command of the SDK that is answered with `Out`. */
export interface Command<Out> {
  readonly middlewareStack: unknown
  resolveMiddleware(stack: never, config: never, options: never): (args: never) => Promise<{ output: Out }>
}

export type Send = <Out>(command: Command<Out>, options: RequestOptions) => Promise<Out>

/**
 * A client of the SDK: a DynamoDBClient, or a DynamoDBDocumentClient, whose package is then not needed for its name.
 */
export interface SdkClient {
  readonly config: DynamoDBClient['config']
  send(...args: never[]): unknown
}

/** How far a command came. */
interface Trail {
  /** Its middleware was put together: whether it comes to the socket is seen. */
  begun: boolean
  sent: boolean
}

/** `send` of a client of either kind, without repeats. Its caller decides on every error. */
export function sender(client: SdkClient): Send {
  const idle = isIdle(client.config.logger as { info?: unknown } | undefined)
  return async (command, { signal, beforeSending }) => {
    const trail: Trail = { begun: false, sent: false }
    const stack = command.middlewareStack as Stack
    stack.add(straightOn as never, inPlaceOfRetry)
    if (idle) stack.add(straightOn as never, inPlaceOfLogger)
    stack.add(following(trail, beforeSending) as never, lastOfAll)
    // Never without options: a client with `cacheMiddleware` would take its users' chain for ours, or ours for theirs.
    const options = signal ? { abortSignal: signal } : {}
    try {
      return (await (client as DynamoDBClient).send(command as never, options)) as never
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown })
      // Without a trail it is no client of the SDK, and may have sent whatever it likes.
      if (trail.sent || !trail.begun) noteSent(error)
      throw error
    }
  }
}

const following =
  (trail: Trail, check?: () => void): Middleware =>
  (next) => {
    trail.begun = true
    return async (args) => {
      check?.()
      trail.sent = true
      return next(args)
    }
  }
