import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type Context,
  type ContextManager,
  context,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
} from '@opentelemetry/api'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import {
  AtomicMemoryDb,
  atomic,
  consume,
  deadLetter,
  InvalidInput,
  queueLambda,
  snooze,
  transaction,
} from 'lockrow'
import { tracedHandler, withTracing } from 'lockrow/otel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MemoryStorage } from '../../src/memory/storage.ts'
import { rowBytes } from '../../src/model/sizes.ts'

/** What `@opentelemetry/context-async-hooks` does, as far as it is used here. */
class LocalContexts implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>()
  active = () => this.#storage.getStore() ?? ROOT_CONTEXT
  with: ContextManager['with'] = (context, fn, thisArg, ...args) =>
    this.#storage.run(context, () => fn.call(thisArg as never, ...args))
  bind = <T>(_: Context, target: T) => target
  enable = () => this
  disable = () => this
}

beforeAll(() => {
  context.setGlobalContextManager(new LocalContexts())
})
afterAll(() => {
  context.disable()
})

function observed(sampler = new AlwaysOnSampler()) {
  const exporter = new InMemorySpanExporter()
  const provider = new BasicTracerProvider({ sampler, spanProcessors: [new SimpleSpanProcessor(exporter)] })
  const tracer = provider.getTracer('test')
  const plain = new AtomicMemoryDb()
  const spans = (name: string) => exporter.getFinishedSpans().filter((span) => span.name === name)
  return { tracer, plain, db: withTracing(plain, { tracer }), spans, exporter }
}

const lambda = { getRemainingTimeInMillis: () => 30_000 }
const linked = ({ links }: ReadableSpan) => links.map(({ context }) => context.spanId)
const idOf = (span: ReadableSpan | undefined) => span?.spanContext().spanId

describe('a trace across the queue', () => {
  it('pulls and handlers link to the push, whose span the message carries', async () => {
    const { tracer, plain, db, spans } = observed()
    await db.queuePush([
      { pk: 'jobs', data: 1 },
      { pk: 'jobs', data: 2 },
    ])
    await db.queuePush({ pk: 'jobs', data: 3 })
    const [first, second] = spans('queuePush jobs')
    const handler = tracedHandler<number>(({ data }) => db.set({ pk: 'done', sk: `${data}` }), { tracer })
    await queueLambda<number>(db, handler, { pk: 'jobs', concurrency: 3 })({}, lambda)
    expect(linked(spans('queuePullMany jobs')[0]!)).toEqual([idOf(first), idOf(second)])
    expect(spans('process jobs').map(linked)).toEqual([[idOf(first)], [idOf(first)], [idOf(second)]])
    // A trace of its own for each message, and what the handler does belongs to it.
    const [process] = spans('process jobs')
    expect(process!.kind).toBe(SpanKind.CONSUMER)
    expect(process!.spanContext().traceId).not.toBe(first!.spanContext().traceId)
    const children = spans('set').map(({ parentSpanContext }) => parentSpanContext?.spanId)
    expect(children.sort()).toEqual(spans('process jobs').map(idOf).sort())
    expect(process!.attributes).toEqual({
      'messaging.system': 'lockrow',
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.destination.name': 'jobs',
      'messaging.message.id': expect.stringMatching(/^[0-9A-Z]{26}$/),
    })
    expect(await plain.count({ pk: 'done' })).toBe(3)
  })

  it('can go on as one trace', async () => {
    const { tracer, db, spans } = observed()
    await db.queuePush({ pk: 'jobs' })
    const handler = tracedHandler(() => {}, { tracer, continueTrace: true })
    await queueLambda(db, handler, { pk: 'jobs' })({}, lambda)
    const [push] = spans('queuePush jobs')
    const [process] = spans('process jobs')
    expect(process!.spanContext().traceId).toBe(push!.spanContext().traceId)
    expect(process!.parentSpanContext).toMatchObject({ spanId: idOf(push), isRemote: true })
    expect(process!.links).toEqual([])
  })

  it('survives transactions, shards, dead letters and redrives', async () => {
    const { tracer, db, spans } = observed()
    await transaction(db, (tx) => tx.queuePush({ pk: 'jobs#shard1', group: 'tx' }))
    await atomic(db).queuePush({ pk: 'jobs#shard1', group: 'atomic' }).commit()
    const commits = spans('transact').map(idOf)
    const broken = tracedHandler(
      () => {
        throw new Error('no luck with secret-data')
      },
      { tracer },
    )
    const settings = { pk: 'jobs', shards: 2, maxReceives: 1 }
    await queueLambda(db, broken, settings)({}, lambda)
    expect(await db.queueRedrive({ from: 'jobs#dead', shards: 2 })).toBe(2)
    const consumed = tracedHandler((item) => consume(db, item, (tx) => tx.set({ pk: 'd', sk: item.sk })), {
      tracer,
    })
    const { item } = await db.queuePull({ pk: 'jobs', shards: 2 })
    await consumed(item!, { signal: new AbortController().signal })
    const failed = spans('process jobs').slice(0, 2)
    expect(failed.flatMap(linked).sort()).toEqual(commits.toSorted())
    expect(failed[0]).toMatchObject({
      status: { code: SpanStatusCode.ERROR, message: 'Error' },
      attributes: {
        'error.type': 'Error',
        'messaging.destination.partition.id': expect.stringMatching(/^[01]$/),
      },
    })
    expect(commits).toContain(linked(spans('process jobs')[2]!)[0])
    expect(
      JSON.stringify(spans('process jobs').map(({ attributes, status }) => [attributes, status])),
    ).not.toContain('secret')
  })

  it('a message that its handler gives up has failed, one that comes too early has not', async () => {
    const { tracer, db, spans } = observed()
    await db.queuePush([1, 2].map((data) => ({ pk: 'jobs', data })))
    const handler = tracedHandler<number>(
      ({ data }) => (data === 1 ? deadLetter('never') : snooze({ seconds: 900 })),
      { tracer },
    )
    await queueLambda<number>(db, handler, { pk: 'jobs' })({}, lambda)
    expect(spans('process jobs').map(({ status }) => status.code)).toEqual([
      SpanStatusCode.ERROR,
      SpanStatusCode.UNSET,
    ])
  })

  it('a message keeps the trace that it was given, and one from elsewhere is followed', async () => {
    const { tracer, db, spans } = observed()
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00'
    await db.queuePush({ pk: 'jobs', traceparent })
    const { item } = await db.queuePull({ pk: 'jobs' })
    expect(item!.traceparent).toBe(traceparent)
    await tracedHandler(() => {}, { tracer })(item!, { signal: new AbortController().signal })
    expect(spans('process jobs')[0]!.links[0]!.context).toMatchObject({
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      traceFlags: TraceFlags.NONE,
    })
  })

  it('an idempotent transaction is the same under another trace', async () => {
    const { db } = observed()
    const send = () =>
      db.transact([{ type: 'queuePush', item: { pk: 'jobs' } }], { idempotencyKey: 'order-1' })
    await send()
    await send()
    expect(await db.queueStats('jobs')).toMatchObject({ ready: 1 })
  })
})

describe('names', () => {
  it('a queue is called as its owner says, and a key of a caller is never shown', async () => {
    const { tracer, plain, exporter } = observed()
    const queueName = (queue: string) => (queue.startsWith('tenant-') ? 'tenant jobs' : undefined)
    const db = withTracing(plain, { tracer, queueName, table: 'orders' })
    await db.queuePush([{ pk: 'tenant-7', sk: 'secret' }, { pk: 'tenant-7' }])
    await db.queuePush([{ pk: 'secret-1' }, { pk: 'secret-2' }])
    await db.queuePush({ pk: 'secret-1' })
    const handler = tracedHandler(() => {}, { tracer, queueName })
    await queueLambda(db, handler, { pk: ['tenant-7', 'secret-1'] })({}, lambda)
    const spans = exporter.getFinishedSpans()
    expect(new Set(spans.map(({ name }) => name))).toEqual(
      new Set([
        'queuePush tenant jobs',
        'queuePush orders',
        'queuePullMany tenant jobs',
        'queuePullMany orders',
        'queueAcknowledge tenant jobs',
        'queueAcknowledge orders',
        'process tenant jobs',
        'process',
      ]),
    )
    expect(JSON.stringify(spans.map(({ name, attributes }) => [name, attributes]))).not.toMatch(
      /secret|tenant-7/,
    )
  })
})

describe('the cost', () => {
  /** The rows that a push writes. */
  async function pushed(push: (db: AtomicMemoryDb) => Promise<unknown>): Promise<number[]> {
    const sizes: number[] = []
    const { apply } = MemoryStorage.prototype
    MemoryStorage.prototype.apply = function (operation) {
      if (operation.op === 'put') sizes.push(rowBytes(operation.row))
      return apply.call(this, operation)
    }
    try {
      await push(new AtomicMemoryDb())
    } finally {
      MemoryStorage.prototype.apply = apply
    }
    return sizes
  }

  it('is 27 bytes of a message that is recorded, and nothing of any other', async () => {
    const { tracer } = observed()
    const off = observed(new AlwaysOffSampler() as never).tracer
    const message = { pk: 'jobs', data: 'x' }
    const [bare] = await pushed((db) => db.queuePush(message))
    expect(await pushed((db) => withTracing(db, { tracer }).queuePush(message))).toEqual([bare! + 27])
    expect(await pushed((db) => withTracing(db, { tracer: off }).queuePush(message))).toEqual([bare])
    expect(await pushed((db) => withTracing(db).queuePush(message))).toEqual([bare])
    expect(message).toEqual({ pk: 'jobs', data: 'x' })
  })

  it('does not count against the room of a message', async () => {
    const { db, plain } = observed()
    const most = 396 * 1024 - 'jobs'.length - 'm'.length - 'pkskdatan'.length - 'enq'.length - 12
    const largest = async (target: typeof plain) => {
      for (let size = most + 40; size > most - 40; size--) {
        const error = await target
          .queuePush({ pk: 'jobs', sk: `${size}`, data: 'x'.repeat(size) })
          .catch((e) => e)
        if (!(error instanceof InvalidInput)) return size
      }
      return undefined
    }
    const size = await largest(plain)
    expect(size).toBeDefined()
    await plain.queuePurge('jobs')
    expect(await largest(db)).toBe(size)
  })
})

describe('bad input', () => {
  it.each([
    ['no handler', () => tracedHandler(undefined as never)],
    ['an unknown option', () => tracedHandler(() => {}, { tracers: 1 } as never)],
    ['a text for true', () => tracedHandler(() => {}, { continueTrace: 'yes' } as never)],
  ])('%s is refused', (_, make) => {
    expect(make).toThrow(InvalidInput)
  })
})
