import { type Attributes, context, metrics, SpanKind, type Tracer, trace } from '@opentelemetry/api'
import { checkFunction } from '../model/checks.ts'
import { optionsCheck } from '../model/options-check.ts'
import { type QueueHandler, QueueOutcome } from '../worker/index.ts'
import { errorType, markFailed } from './failures.ts'
import { contextOf, destination, idOf, linksTo, type NameQueue, system } from './messages.ts'

/** Options of `tracedHandler`. */
export interface TracedHandlerOptions {
  /**
   * Go on with the trace of the push, instead of a trace of its own that links to it. For queues whose messages are
   * handled soon, each once.
   *
   * @default false
   */
  continueTrace?: boolean
  /** How a queue is called in spans, for names that hold a tenant; undefined: not at all. @default its name */
  queueName?: NameQueue
  /** Added to every span and measurement. */
  attributes?: Attributes
  /** Default: the globally registered one. */
  tracer?: Tracer
  /** Default: from the globally registered meter provider. */
  meter?: ReturnType<typeof metrics.getMeter>
}

const checkTracedOptions = /* @__PURE__ */ optionsCheck<TracedHandlerOptions>(() => [
  { continueTrace: 'boolean', queueName: true, attributes: true, tracer: true, meter: true },
])

/**
 * The same handler, for `QueueWorker` and `queueLambda`, with a `process` span around each message that links to the
 * push it comes from (`withTracing` on the producer's side), and the metric `messaging.process.duration` (s). What the
 * handler does is within that span.
 *
 * @example
 * ```ts
 * new QueueWorker(db, tracedHandler(async (item) => send(item.data)), { pk: 'mails' })
 * ```
 */
export function tracedHandler<T>(
  handler: QueueHandler<T>,
  options: TracedHandlerOptions = {},
): QueueHandler<T> {
  checkFunction(handler, 'handler')
  checkTracedOptions(options)
  const { continueTrace = false, queueName = (queue) => queue } = options
  const tracer = options.tracer ?? trace.getTracer('lockrow')
  const meter = options.meter ?? metrics.getMeter('lockrow')
  const duration = meter.createHistogram('messaging.process.duration', {
    unit: 's',
    description: 'Duration of the handling of messages',
  })
  return (item, given) => {
    const measured: Attributes = {
      ...system,
      'messaging.operation.name': 'process',
      ...destination(item.pk, queueName),
      ...options.attributes,
    }
    const attributes = { ...measured, 'messaging.operation.type': 'process', ...idOf(item) }
    const title = `process ${measured['messaging.destination.name'] ?? ''}`.trimEnd()
    const producer = continueTrace ? contextOf(item.traceparent) : undefined
    const parent = producer ? trace.setSpanContext(context.active(), producer) : context.active()
    const links = producer ? [] : linksTo([item])
    const work = async (span: ReturnType<Tracer['startSpan']>) => {
      const started = performance.now()
      const note = (error: unknown) => {
        // It was too early for the message: nothing has failed.
        if (error instanceof QueueOutcome && error.kind === 'snooze') return
        markFailed(span, error)
        measured['error.type'] = errorType(error)
      }
      try {
        const result = await handler(item, given)
        if (result instanceof QueueOutcome) note(result)
        return result
      } catch (error) {
        note(error)
        throw error
      } finally {
        duration.record((performance.now() - started) / 1000, measured)
        span.end()
      }
    }
    return tracer.startActiveSpan(title, { kind: SpanKind.CONSUMER, attributes, links }, parent, work)
  }
}
