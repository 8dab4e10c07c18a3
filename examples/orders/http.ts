import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { AtomicDbError, type LambdaContext } from 'lockrow'
import { describeError, log } from './log.ts'

export interface HttpContext extends LambdaContext {
  awsRequestId: string
}

export type HttpHandler = (
  event: APIGatewayProxyEventV2,
  context: HttpContext,
) => Promise<APIGatewayProxyStructuredResultV2>

/** An answer that is no success; `code` is for programs, `message` for people. */
export class HttpError extends Error {
  override readonly name = 'HttpError'
  readonly status: number
  readonly code: string
  readonly details: Record<string, unknown>

  constructor(status: number, code: string, message: string, details: Record<string, unknown> = {}) {
    super(message)
    this.status = status
    this.code = code
    this.details = details
  }
}

/** What is left to answer in when the database does not. */
const RESERVE_MS = 500

/** What may pass by itself: the caller should send the same request, with the same key, once more. */
const RETRYABLE = new Set(['RaceCondition', 'Throttled', 'BackendError', 'OutcomeUnknown'])

/**
 * Makes a handler of `work`, whose `signal` fires before the time of the invocation is over. Every error becomes an
 * answer in JSON: those of the caller as they are, those that may pass 503, the rest 500 without any detail.
 */
export function httpHandler(
  name: string,
  work: (
    event: APIGatewayProxyEventV2,
    signal: AbortSignal,
  ) => Promise<{ status: number; body: unknown; headers?: Record<string, string> }>,
): HttpHandler {
  return async (event, context) => {
    const started = performance.now()
    const requestId = context.awsRequestId
    const done = (status: number, fields: Record<string, unknown> = {}) => {
      const ms = Math.round(performance.now() - started)
      const level = status >= 500 ? 'error' : 'info'
      log(level, 'request', { handler: name, requestId, route: event.routeKey, status, ms, ...fields })
    }
    // Its timer keeps no process alive; after a freeze it fires late, when nobody listens any more.
    const signal = AbortSignal.timeout(Math.max(1, context.getRemainingTimeInMillis() - RESERVE_MS))
    try {
      const { status, body, headers } = await work(event, signal)
      done(status)
      return json(status, body, headers)
    } catch (error) {
      const answer = answerTo(error, signal)
      done(answer.status, answer === error ? { error: answer.code } : describeError(error))
      const { status, code, message, details } = answer
      const headers = status === 503 ? { 'retry-after': '1' } : undefined
      return json(status, { error: { code, message, ...details, requestId } }, headers)
    }
  }
}

function answerTo(error: unknown, signal: AbortSignal): HttpError {
  if (error instanceof HttpError) return error
  const passing = error instanceof AtomicDbError && RETRYABLE.has(error.code)
  if (passing || signal.aborted)
    return new HttpError(503, 'TryAgain', 'send the same request with the same key once more')
  return new HttpError(500, 'Internal', 'the request could not be handled')
}

const json = (
  statusCode: number,
  body: unknown,
  headers: Record<string, string> = {},
): APIGatewayProxyStructuredResultV2 => ({
  statusCode,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
})
