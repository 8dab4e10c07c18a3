import { TraceFlags } from '@opentelemetry/api'
import { expect, test } from 'vitest'
import { contextOf, destination, idOf, linksTo, traceparentOf, withTrace } from '../../src/otel/messages.ts'

const [traceId, spanId] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7']
const text = `00-${traceId}-${spanId}-01`
const context = { traceId, spanId, traceFlags: TraceFlags.SAMPLED }

test('a recorded span and back; one that is not recorded is not carried', () => {
  expect(traceparentOf(context)).toBe(text)
  expect(traceparentOf({ ...context, traceFlags: 0 })).toBe(undefined)
  expect(traceparentOf({ ...context, traceId: '0'.repeat(32) })).toBe(undefined)
  expect(contextOf(text)).toEqual({ ...context, isRemote: true })
  for (const none of [undefined, 'x', '00-1-2-01', `00-${traceId}-${spanId}`])
    expect(contextOf(none)).toBe(undefined)
})

test('one link for each push', () => {
  const links = linksTo([{ traceparent: text }, { traceparent: text }, {}, { traceparent: 'x' }])
  expect(links.map((link) => link.context.spanId)).toEqual([spanId])
})

test('a message gets a trace unless it has one; what is no message stays', () => {
  expect(withTrace({ pk: 'q' }, text)).toEqual({ pk: 'q', traceparent: text })
  expect(withTrace({ traceparent: 'own' }, text)).toEqual({ traceparent: 'own' })
  expect([withTrace(null, text), withTrace('x', text)]).toEqual([null, 'x'])
})

test('a queue is called as its owner says, a shard by its number', () => {
  const name = (queue: string) => (queue === 'hidden' ? undefined : queue.toUpperCase())
  expect(destination('jobs', name)).toEqual({ 'messaging.destination.name': 'JOBS' })
  expect(destination('jobs#shard12', name)).toEqual({
    'messaging.destination.name': 'JOBS',
    'messaging.destination.partition.id': '12',
  })
  expect([destination('hidden', name), destination(7, name)]).toEqual([{}, {}])
})

test('ids that the library draws are shown, keys of a caller are not', () => {
  expect(idOf({ sk: '01ARZ3NDEKTSV4RRFFQ69G5FAV' })).toEqual({
    'messaging.message.id': '01ARZ3NDEKTSV4RRFFQ69G5FAV',
  })
  expect(idOf({ sk: 'user-7' })).toEqual({})
})
