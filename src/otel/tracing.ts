import {
  type Attributes,
  type Counter,
  type Histogram,
  metrics,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { AtomicDbError, ConditionFailed, RaceCondition } from '../errors.ts'
import type { AtomicDbInterface } from '../interface.ts'
import { checkDb } from '../model/checks.ts'
import { type ContractMethod, isContractMethod } from '../model/effects.ts'
import { optionsCheck } from '../model/options-check.ts'

/** Options of tracing. */
export interface TracingOptions {
  /** Named in spans as `db.collection.name`. */
  table?: string
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
    attributes: true,
    tracer: true,
    meter: true,
  },
])

/** By the semantic conventions for messaging: what a queue method is. */
const messaging: Partial<Record<ContractMethod, 'send' | 'receive' | 'settle'>> = {
  queuePush: 'send',
  queuePull: 'receive',
  queuePullMany: 'receive',
  queueAcknowledge: 'settle',
  queueRelease: 'settle',
  queueExtend: 'settle',
}

const spanKinds = { send: SpanKind.PRODUCER, receive: SpanKind.CONSUMER, settle: SpanKind.CLIENT } as const

interface Instruments {
  duration: Histogram
  conflicts: Counter
  sent: Counter
  consumed: Counter
}

/**
 * The same database with a span and measurements for every call, by OpenTelemetry's semantic conventions for databases
 * and messaging. Spans hold names, counts and error codes, never keys or data. Streams are passed through.
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
      const traced =
        isContractMethod(name) && name !== 'stream'
          ? tracedMethod(name, method, tracer, instruments, options, target)
          : method
      wrapped.set(name, { of: member, traced })
      return traced
    },
    set: (target, name, value) => Reflect.set(target, name, value, target),
  })
}

function tracedMethod(
  name: ContractMethod,
  method: (...args: unknown[]) => unknown,
  tracer: Tracer,
  instruments: Instruments,
  options: TracingOptions,
  db: AtomicDbInterface,
): (...args: unknown[]) => unknown {
  const kind = messaging[name]
  const fixed: Attributes = {
    'db.system.name': 'aws.dynamodb',
    'db.operation.name': name,
    ...(options.table === undefined ? {} : { 'db.collection.name': options.table }),
    ...(kind === undefined
      ? {}
      : {
          'messaging.system': 'lockrow',
          'messaging.operation.name': name,
          'messaging.operation.type': kind,
        }),
    ...options.attributes,
  }
  const title = options.table === undefined ? name : `${name} ${options.table}`
  return (...args) =>
    tracer.startActiveSpan(
      title,
      { kind: kind ? spanKinds[kind] : SpanKind.CLIENT, attributes: fixed },
      async (span) => {
        const started = db.runtime.monotonic()
        const measured: Attributes = { ...fixed }
        if (Array.isArray(args[0])) span.setAttribute('db.operation.batch.size', args[0].length)
        try {
          const result = await method(...args)
          countMessages(kind, result, span, instruments, fixed)
          return result
        } catch (error) {
          measured['error.type'] = failed(span, error, instruments, fixed)
          throw error
        } finally {
          instruments.duration.record((db.runtime.monotonic() - started) / 1000, measured)
          span.end()
        }
      },
    )
}

function countMessages(
  kind: string | undefined,
  result: unknown,
  span: Span,
  instruments: Instruments,
  attributes: Attributes,
): void {
  if (kind !== 'send' && kind !== 'receive') return
  const { item, items } = (result ?? {}) as { item?: unknown; items?: unknown[] }
  const count = Array.isArray(result) ? result.length : (items?.length ?? (item ? 1 : 0))
  span.setAttribute('messaging.batch.message_count', count)
  instruments[kind === 'send' ? 'sent' : 'consumed'].add(count, attributes)
}

/** Marks the span; returns the type of the error. */
function failed(span: Span, error: unknown, instruments: Instruments, attributes: Attributes): string {
  const type =
    error instanceof AtomicDbError ? error.code : error instanceof Error ? error.name : typeof error
  span.setAttribute('error.type', type)
  span.setStatus({ code: SpanStatusCode.ERROR, message: type })
  if (error instanceof RaceCondition || error instanceof ConditionFailed)
    span.setAttribute('lockrow.conflicts', error.conflicts.length)
  if (error instanceof RaceCondition) instruments.conflicts.add(1, attributes)
  return type
}
