import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { RequestOptions } from '../storage.ts'

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

/** Of the same place as the SDK's own: else it is no replacement. */
const inPlaceOfRetry = {
  name: 'retryMiddleware',
  tags: ['RETRY'],
  step: 'finalizeRequest',
  priority: 'high',
  override: true,
}
const inPlaceOfLogger = { name: 'loggerMiddleware', tags: ['LOGGER'], step: 'initialize', override: true }
/** Behind everything else: the next thing is the socket. */
const last = { name: 'lockrowBeforeSending', step: 'deserialize', priority: 'low', override: true }

/**
 * The SDK's own logger does nothing, but a filtered copy of every reply is prepared for it, at a third of the
 * client's work on a query. A real one is kept.
 */
const isIdle = (logger: { info?: unknown } | undefined): boolean =>
  /^(info)?\s*\([^)]*\)\s*\{\s*\}$/.test(String(logger?.info))

/** A command of the SDK that is answered with `Out`. */
interface Command<Out> {
  readonly middlewareStack: unknown
  resolveMiddleware(stack: never, config: never, options: never): (args: never) => Promise<{ output: Out }>
}

export type Send = <Out>(command: Command<Out>, options: RequestOptions) => Promise<Out>

/** `send` of a client of either kind, without repeats. Its caller decides on every error. */
export function sender(client: DynamoDBClient | DynamoDBDocumentClient): Send {
  const idle = isIdle(client.config.logger as { info?: unknown } | undefined)
  return (command, { signal, beforeSending }) => {
    const stack = command.middlewareStack as Stack
    stack.add(straightOn as never, inPlaceOfRetry)
    if (idle) stack.add(straightOn as never, inPlaceOfLogger)
    if (beforeSending) stack.add(checking(beforeSending) as never, last)
    // Never without options: a client with `cacheMiddleware` would take its users' chain for ours, or ours for theirs.
    const options = signal ? { abortSignal: signal } : {}
    return (client as DynamoDBClient).send(command as never, options) as never
  }
}

const checking =
  (check: () => void): Middleware =>
  (next) =>
  async (args) => {
    check()
    return next(args)
  }
