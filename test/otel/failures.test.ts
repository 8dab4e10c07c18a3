import { SpanStatusCode } from '@opentelemetry/api'
import { Throttled } from 'lockrow'
import { expect, test, vi } from 'vitest'
import { errorType, markFailed } from '../../src/otel/failures.ts'

test.each([
  [new Throttled('slow'), 'Throttled'],
  [new TypeError('x'), 'TypeError'],
  ['text', 'string'],
])('%s is called %s', (error, type) => expect(errorType(error)).toBe(type))

test('a span tells the kind of the error, and not its text', () => {
  const span = { setAttribute: vi.fn(), setStatus: vi.fn() }
  markFailed(span as never, new Throttled('p/secret is busy'))
  expect(span.setAttribute).toHaveBeenCalledWith('error.type', 'Throttled')
  expect(span.setStatus).toHaveBeenCalledWith({ code: SpanStatusCode.ERROR, message: 'Throttled' })
})
