/**
 * Traces and metrics by OpenTelemetry.
 *
 * @module lockrow/otel
 */

export { queueGauges } from './queue-gauges.ts'
export { type TracedHandlerOptions, tracedHandler } from './traced-handler.ts'
export { type EndedRequest, type TracedRequestsOptions, tracedRequests } from './traced-requests.ts'
export * from './tracing.ts'
