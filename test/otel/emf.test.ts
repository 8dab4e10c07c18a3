// The line is what CloudWatch's specification of the embedded metric format asks for.

import { afterEach, describe, expect, test, vi } from 'vitest'
import { emitQueueMetrics, type QueueMetrics } from '../../src/otel/emf.ts'
import { metricDimension } from '../../src/otel/metric-names.ts'

const READING: QueueMetrics = {
  table: 'db',
  queue: 'orders',
  ready: 5,
  inFlight: 2,
  delayed: 1,
  dead: 3,
  oldestAgeSeconds: 12.5,
}

function emit(metrics: QueueMetrics) {
  const lines: string[] = []
  emitQueueMetrics(metrics, (line) => lines.push(line))
  expect(lines).toHaveLength(1)
  expect(lines[0]).not.toContain('\n')
  return JSON.parse(lines[0]!)
}

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe('emitQueueMetrics', () => {
  test('prints one record with metadata, dimensions and values', () => {
    vi.useFakeTimers({ now: 1_700_000_000_000 })
    expect(emit(READING)).toEqual({
      _aws: {
        Timestamp: 1_700_000_000_000,
        CloudWatchMetrics: [
          {
            Namespace: 'lockrow',
            Dimensions: [['table', 'queue']],
            Metrics: [
              { Name: 'Ready', Unit: 'Count' },
              { Name: 'InFlight', Unit: 'Count' },
              { Name: 'Delayed', Unit: 'Count' },
              { Name: 'DeadLetters', Unit: 'Count' },
              { Name: 'OldestMessageAge', Unit: 'Seconds' },
            ],
          },
        ],
      },
      table: 'db',
      queue: 'orders',
      Ready: 5,
      InFlight: 2,
      Delayed: 1,
      DeadLetters: 3,
      OldestMessageAge: 12.5,
    })
  })

  test('what was handled and failed is there where it is given', () => {
    const record = emit({ ...READING, handled: 7, failed: 0 })
    expect(record).toMatchObject({ Handled: 7, Failed: 0 })
    expect(record._aws.CloudWatchMetrics[0].Metrics.slice(5)).toEqual([
      { Name: 'Handled', Unit: 'Count' },
      { Name: 'Failed', Unit: 'Count' },
    ])
  })

  test('keeps the rules of the specification', () => {
    const record = emit(READING)
    const [directive] = record._aws.CloudWatchMetrics
    for (const dimension of directive.Dimensions[0]) expect(record[dimension]).toBeTypeOf('string')
    for (const { Name } of directive.Metrics) expect(record[Name]).toBeTypeOf('number')
  })

  test('an empty queue has age 0, so that an alarm recovers', () => {
    const { oldestAgeSeconds: _, ...empty } = READING
    expect(emit(empty).OldestMessageAge).toBe(0)
  })

  test('writes to stdout past console.log, which Lambda wraps', () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {})
    const write = vi.spyOn(process.stdout, 'write').mockImplementation(() => true)
    emitQueueMetrics(READING)
    expect(log).not.toHaveBeenCalled()
    expect(write).toHaveBeenCalledExactlyOnceWith(expect.stringMatching(/^\{.*\}\n$/))
  })

  test.each([
    ['ready', Number.NaN],
    ['inFlight', Number.POSITIVE_INFINITY],
    ['dead', -1],
    ['delayed', undefined],
  ])('refuses %s of %s', (name, value) => {
    expect(() => emit({ ...READING, [name]: value } as QueueMetrics)).toThrow(RangeError)
  })

  test('refuses an empty name', () => {
    expect(() => emit({ ...READING, queue: '' })).toThrow(RangeError)
  })
})

describe('metricDimension', () => {
  test.each([
    ['orders', 'orders'],
    ['tenant1#orders/out box:3', 'tenant1#orders/out box:3'],
    [':orders', '%3Aorders'],
    [' ', '%20'],
    ['für', 'f%C3%BCr'],
    ['100%', '100%25'],
    ['a\nb', 'a%0Ab'],
    ['a\ud800', 'a%EF%BF%BD'],
    ['😀', '%F0%9F%98%80'],
  ])('%j becomes %j', (key, dimension) => {
    expect(metricDimension(key)).toBe(dimension)
  })

  test('is printable ASCII of at most 1,024 characters', () => {
    expect(metricDimension('ü'.repeat(1024))).toMatch(/^[\x20-\x7e]{1024}$/)
  })

  test('different keys stay different where both fit', () => {
    expect(metricDimension('%3A')).not.toBe(metricDimension(':'))
  })
})
