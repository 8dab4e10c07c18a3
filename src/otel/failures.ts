import { type Span, SpanStatusCode } from '@opentelemetry/api'
import { AtomicDbError } from '../errors.ts'

/** How an error is called in spans and measurements. */
export const errorType = (error: unknown): string =>
  error instanceof AtomicDbError ? error.code : error instanceof Error ? error.name : typeof error

/** The span has failed. The text of the error is not shown: it may name keys. */
export function markFailed(span: Span, error: unknown): void {
  span.setAttribute('error.type', errorType(error))
  span.setStatus({ code: SpanStatusCode.ERROR, message: errorType(error) })
}
