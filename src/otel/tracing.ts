import {
  type Attributes,
  type Counter,
  type Histogram,
  metrics,
  type Span,
  SpanKind,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { ConditionFailed, RaceCondition } from '../errors.ts'
import type { AtomicDbInterface, AtomicDbQueueItem } from '../interface.ts'
import { checkDb } from '../model/checks.ts'
import { type ContractMethod, isContractMethod } from '../model/effects.ts'
import { optionsCheck } from '../model/options-check.ts'
import { rowScan } from '../model/scan-rows.ts'
import { errorType, markFailed } from './failures.ts'
import { destination, idOf, linksTo, type NameQueue, system, traceparentOf, withTrace } from './messages.ts'

/** Options of tracing. */
export interface TracingOptions {
  /** Named in spans as `db.collection.name`. */
  table?: string
  /** How a queue is called in spans, for names that hold a tenant; undefined: not at all. @default its name */
  queueName?: NameQueue
  /** Added to every span and measurement. */
  attributes?: Attributes
  /** Default: the globally registered one. */
  tracer?: Tracer
  /** Default: from the globally registered meter provider. */
  meter?: ReturnType<typeof metrics.getMeter>
}

const checkTracingOptions = /* @__PURE__ */ optionsCheck<TracingOptions>(() => [
  {
    table: true,
    queueName: true,
    attributes: true,
    tracer: true,
    meter: true,
  },
])

type TracedMethod = ContractMethod | 'scan'

/** By the semantic conventions for messaging: what a queue method is. */
const messaging: Partial<Record<TracedMethod, 'send' | 'receive' | 'settle'>> = {
  queuePush: 'send',
  queuePull: 'receive',
  queuePullMany: 'receive',
  queueAcknowledge: 'settle',
  queueRelease: 'settle',
  queueExtend: 'settle',
}

const spanKinds = { send: SpanKind.PRODUCER, receive: SpanKind.CLIENT, settle: SpanKind.CLIENT } as const

interface Instruments {
  duration: Histogram
  conflicts: Counter
  sent: Counter
  consumed: Counter
}

/**
 * The same database with a span and measurements for every call, by OpenTelemetry's semantic conventions for databases
 * and messaging. Spans hold names of methods and queues, counts, ids that the library drew, and error codes, never keys
 * or data. Streams are passed through. Messages that are pushed, in transactions too, carry the `traceparent` of a span
 * that is recorded (27 bytes); pulls link to the pushes, and `tracedHandler` does so for what handles the messages.
 *
 * ```ts
 * const db = withTracing(new AtomicDynamoDB(client, 'table'), { table: 'table' })
 * ```
 *
 * Metrics: `db.client.operation.duration` (s), `lockrow.conflicts`, `messaging.client.sent.messages`,
 * `messaging.client.consumed.messages`. Retries and their reasons: the `onEvent` option of the database.
 */
export function withTracing<D extends AtomicDbInterface>(db: D, options: TracingOptions = {}): D {
  checkDb(db)
  checkTracingOptions(options)
  const tracer = options.tracer ?? trace.getTracer('lockrow')
  const meter = options.meter ?? metrics.getMeter('lockrow')
  const instruments: Instruments = {
    duration: meter.createHistogram('db.client.operation.duration', {
      unit: 's',
      description: 'Duration of database calls',
    }),
    conflicts: meter.createCounter('lockrow.conflicts', {
      unit: '{conflict}',
      description: 'Calls that failed because something changed',
    }),
    sent: meter.createCounter('messaging.client.sent.messages', { unit: '{message}' }),
    consumed: meter.createCounter('messaging.client.consumed.messages', { unit: '{message}' }),
  }
  // With the function it was made of: a method that is replaced later is traced anew.
  const wrapped = new Map<PropertyKey, { of: unknown; traced: unknown }>()
  return new Proxy(db, {
    get(target, name) {
      const member = Reflect.get(target, name, target) as unknown
      if (typeof member !== 'function' || name === 'constructor') return member
      const known = wrapped.get(name)
      if (known?.of === member) return known.traced
      // Bound, because private fields are those of the database.
      const method = member.bind(target) as (...args: unknown[]) => unknown
      const shown = name === rowScan ? 'scan' : name
      const traced =
        shown === 'scan' || (isContractMethod(shown) && shown !== 'stream')
          ? tracedMethod(shown, method, tracer, instruments, options, target)
          : method
      wrapped.set(name, { of: member, traced })
      return traced
    },
    set: (target, name, value) => Reflect.set(target, name, value, target),
  })
}

function tracedMethod(
  name: TracedMethod,
  method: (...args: unknown[]) => unknown,
  tracer: Tracer,
  instruments: Instruments,
  options: TracingOptions,
  db: AtomicDbInterface,
): (...args: unknown[]) => unknown {
  const kind = messaging[name]
  const { queueName = (queue) => queue } = options
  const fixed: Attributes = {
    'db.system.name': 'aws.dynamodb',
    'db.operation.name': name,
    ...(options.table === undefined ? {} : { 'db.collection.name': options.table }),
    ...(kind === undefined
      ? {}
      : { ...system, 'messaging.operation.name': name, 'messaging.operation.type': kind }),
    ...options.attributes,
  }
  return (...args) => {
    const queue = kind === undefined ? {} : destination(queueIn(args[0]), queueName)
    const attributes = { ...fixed, ...queue }
    const where = queue['messaging.destination.name'] ?? options.table
    const title = where === undefined ? name : `${name} ${where}`
    const spanOptions = { kind: kind ? spanKinds[kind] : SpanKind.CLIENT, attributes }
    return tracer.startActiveSpan(title, spanOptions, async (span) => {
      const started = db.runtime.monotonic()
      const measured: Attributes = { ...attributes }
      if (Array.isArray(args[0])) span.setAttribute('db.operation.batch.size', args[0].length)
      try {
        const result = await method(...withTraces(name, args, span))
        showMessages(kind, result, span, instruments, attributes)
        return result
      } catch (error) {
        measured['error.type'] = errorType(error)
        failed(span, error, instruments, attributes)
        throw error
      } finally {
        instruments.duration.record((db.runtime.monotonic() - started) / 1000, measured)
        span.end()
      }
    })
  }
}

/** The queue of a call: that of its options or messages, where all are of one. */
function queueIn(given: unknown): unknown {
  const list = (Array.isArray(given) ? given : [given]) as ({ pk?: unknown } | null | undefined)[]
  const [first] = list
  return list.every((one) => one?.pk === first?.pk) ? first?.pk : undefined
}

/** The same arguments; messages that are pushed carry the span, if it is recorded. */
function withTraces(name: TracedMethod, args: unknown[], span: Span): unknown[] {
  if (name !== 'queuePush' && name !== 'transact') return args
  const traceparent = traceparentOf(span.spanContext())
  if (traceparent === undefined) return args
  const [given, ...others] = args
  const traced = (one: unknown): unknown => {
    if (name === 'queuePush') return withTrace(one, traceparent)
    const operation = one as { type?: unknown; item?: unknown } | null | undefined
    return operation?.type === 'queuePush'
      ? { ...operation, item: withTrace(operation.item, traceparent) }
      : one
  }
  return [Array.isArray(given) ? given.map(traced) : traced(given), ...others]
}

function showMessages(
  kind: string | undefined,
  result: unknown,
  span: Span,
  instruments: Instruments,
  attributes: Attributes,
): void {
  if (kind !== 'send' && kind !== 'receive') return
  const { item, items } = (result ?? {}) as { item?: AtomicDbQueueItem; items?: AtomicDbQueueItem[] }
  const messages = Array.isArray(result) ? (result as AtomicDbQueueItem[]) : (items ?? (item ? [item] : []))
  span.setAttribute('messaging.batch.message_count', messages.length)
  if (messages.length === 1) span.setAttributes(idOf(messages[0]!))
  if (kind === 'receive') for (const link of linksTo(messages)) span.addLink(link)
  instruments[kind === 'send' ? 'sent' : 'consumed'].add(messages.length, attributes)
}

/** Marks the span, and counts conflicts. */
function failed(span: Span, error: unknown, instruments: Instruments, attributes: Attributes): void {
  markFailed(span, error)
  if (error instanceof RaceCondition || error instanceof ConditionFailed)
    span.setAttribute('lockrow.conflicts', error.conflicts.length)
  if (error instanceof RaceCondition) instruments.conflicts.add(1, attributes)
}
