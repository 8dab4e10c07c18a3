import { type Attributes, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api'
import { optionsCheck } from '../model/options-check.ts'

/** Options of `tracedRequests`. */
export interface TracedRequestsOptions {
  /** Added to every span. */
  attributes?: Attributes
  /** Default: the globally registered one. */
  tracer?: Tracer
}

/** A request that has ended, as `onRequest` of `lockrow/direct` tells of it. */
export interface EndedRequest {
  operation: string
  table: string | undefined
  host: string
  attempt: number
  /** Epoch ms. */
  startedAt: number
  ms: number
  status: number | undefined
  requestId: string | undefined
  units: number | undefined
  error: string | undefined
}

const checkRequestsOptions = /* @__PURE__ */ optionsCheck<TracedRequestsOptions>(() => [
  { attributes: true, tracer: true },
])

/**
 * For `onRequest` of `directClient`: a span for each request to DynamoDB, as the instrumentation of the AWS SDK makes
 * them, within the span of the call (see `withTracing`). It holds names and counts, never keys or data.
 *
 * @example
 * ```ts
 * const client = directClient({ region: 'eu-west-1', onRequest: tracedRequests() })
 * const db = withTracing(new AtomicDynamoDB(client, 'orders'), { table: 'orders' })
 * ```
 */
export function tracedRequests(options: TracedRequestsOptions = {}): (request: EndedRequest) => void {
  checkRequestsOptions(options)
  const tracer = options.tracer ?? trace.getTracer('lockrow')
  return (request) => {
    const { operation, startedAt, ms, error } = request
    const span = tracer.startSpan(`DynamoDB.${operation}`, {
      kind: SpanKind.CLIENT,
      startTime: startedAt,
      attributes: { ...attributesOf(request), ...options.attributes },
    })
    if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: error })
    span.end(startedAt + ms)
  }
}

/** By the semantic conventions for the AWS SDK and for DynamoDB. What is undefined is left out by the tracer. */
const attributesOf = (request: EndedRequest): Attributes => ({
  'rpc.system': 'aws-api',
  'rpc.service': 'DynamoDB',
  'rpc.method': request.operation,
  'db.system.name': 'aws.dynamodb',
  'db.operation.name': request.operation,
  'db.collection.name': request.table,
  'server.address': request.host,
  'http.response.status_code': request.status,
  'http.request.resend_count': request.attempt > 1 ? request.attempt - 1 : undefined,
  'aws.request_id': request.requestId,
  'aws.dynamodb.consumed_units': request.units,
  'error.type': request.error,
})
