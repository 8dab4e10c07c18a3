import {
  type Attributes,
  isSpanContextValid,
  type Link,
  type SpanContext,
  TraceFlags,
} from '@opentelemetry/api'
import type { AtomicDbQueueItem } from '../interface.ts'
import { queueOfShard } from '../model/key-names.ts'
import { ulidIn } from '../model/priorities.ts'

/** How a queue is called in spans and measurements; undefined: not at all. */
export type NameQueue = (queue: string) => string | undefined

/** The context of a span as messages carry it. Undefined: its trace is not recorded, so nobody could follow it. */
export function traceparentOf(context: SpanContext): string | undefined {
  if (!isSpanContextValid(context) || !(context.traceFlags & TraceFlags.SAMPLED)) return undefined
  return `00-${context.traceId}-${context.spanId}-01`
}

/** The context of the push that a message comes from. */
export function contextOf(traceparent: string | undefined): SpanContext | undefined {
  if (traceparent === undefined) return undefined
  const [, traceId, spanId, flags] = traceparent.split('-')
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
  const context = {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED,
    isRemote: true,
  }
  return isSpanContextValid(context) ? context : undefined
}

/** One link for each push that the messages come from. */
export function linksTo(messages: readonly { traceparent?: string }[]): Link[] {
  const known = new Set(messages.map(({ traceparent }) => traceparent))
  return [...known].flatMap((traceparent) => {
    const context = contextOf(traceparent)
    return context ? [{ context }] : []
  })
}

/** The same message with the trace of its push, unless it has one already. Whatever is no message stays as it is. */
export const withTrace = <T>(message: T, traceparent: string): T =>
  typeof message === 'object' &&
  message !== null &&
  (message as { traceparent?: unknown }).traceparent === undefined
    ? { ...message, traceparent }
    : message

/** The queue, and of a shard its number. Keys of a caller are not shown; the ids that the library draws are. */
export function destination(pk: unknown, name: NameQueue): Attributes {
  if (typeof pk !== 'string') return {}
  const queue = queueOfShard(pk)
  const shown = name(queue)
  if (shown === undefined) return {}
  const attributes: Attributes = { 'messaging.destination.name': shown }
  if (pk !== queue) attributes['messaging.destination.partition.id'] = pk.slice(pk.lastIndexOf('#shard') + 6)
  return attributes
}

/** Of a single message. */
export const idOf = ({ sk }: Pick<AtomicDbQueueItem, 'sk'>): Attributes =>
  ulidIn(sk) !== undefined ? { 'messaging.message.id': sk } : {}

export const system = { 'messaging.system': 'lockrow' }
