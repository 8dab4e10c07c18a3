import { type AtomicDbQueueItem, InvalidInput } from 'lockrow'
import { expect, test } from 'vitest'
import {
  checkHandling,
  checkWaits,
  deadLetterOf,
  maxReceivesOf,
  pullOptions,
  queueNameOf,
  timeoutOf,
  visibilityOf,
} from '../../src/worker/options.ts'

const item = { pk: 'jobs', sk: 'a', data: 5 } as AtomicDbQueueItem

test('defaults: a minute, 15 receives, dead letters beside the queue', () => {
  const options = { pk: 'jobs' }
  expect([visibilityOf(options), maxReceivesOf(options), deadLetterOf(options)]).toEqual([
    60,
    15,
    'jobs#dead',
  ])
  expect(deadLetterOf({ family: 'mail-' })).toBe('mail-#dead')
  const given = { pk: 'jobs', visibilitySeconds: 5, maxReceives: 2, deadLetter: 'graveyard' }
  expect([visibilityOf(given), maxReceivesOf(given), deadLetterOf(given)]).toEqual([5, 2, 'graveyard'])
})

test('a consumer is named after its queue, or its family', () => {
  expect([queueNameOf({ pk: 'jobs' }), queueNameOf({ family: 'mail-' }), queueNameOf({})]).toEqual([
    'jobs',
    'mail-',
    '',
  ])
})

test('a pull says what the handling does; without an end of receives it says none', () => {
  expect(pullOptions({ pk: 'jobs', shards: 4, strict: true, exceptGroups: ['a'] })).toEqual({
    pk: 'jobs',
    ttlSeconds: 60,
    strict: true,
    maxReceives: 15,
    shards: 4,
    exceptGroups: ['a'],
  })
  expect(pullOptions({ pk: 'jobs', maxReceives: Number.POSITIVE_INFINITY }).maxReceives).toBe(undefined)
})

test('the time for a message is a number, or what a function says of it', () => {
  expect(timeoutOf({}, item)).toBe(undefined)
  expect(timeoutOf({ timeoutSeconds: 7 }, item)).toBe(7)
  expect(timeoutOf({ timeoutSeconds: ({ data }) => data as number }, item)).toBe(5)
  expect(timeoutOf({ timeoutSeconds: () => undefined }, item)).toBe(undefined)
  for (const wrong of [0, -1, Number.NaN, '5'])
    expect(() => timeoutOf({ timeoutSeconds: () => wrong as number }, item)).toThrow(InvalidInput)
})

test.each([
  { pk: 'jobs' },
  { family: 'mail-' },
  { pk: 'jobs', maxReceives: Number.POSITIVE_INFINITY, shards: 3, strict: true, timeoutSeconds: () => 5 },
])('%j is a handling', (options) => expect(() => checkHandling(options as never, [])).not.toThrow())

test.each<[object | undefined, string]>([
  [undefined, 'options'],
  [{}, 'pk'],
  [{ pk: '' }, 'pk'],
  [{ pk: 'jobs', family: 'mail-' }, 'pk'],
  [{ family: 'mail-', shards: 3 }, 'shards'],
  [{ pk: 'jobs', visibilitySeconds: 0 }, 'visibilitySeconds'],
  [{ pk: 'jobs', timeoutSeconds: 0 }, 'timeoutSeconds'],
  [{ pk: 'jobs', maxReceives: 0 }, 'maxReceives'],
  [{ pk: 'jobs', deadLetter: '' }, 'deadLetter'],
  [{ pk: 'jobs', deadLetter: 5 }, 'deadLetter'],
  [{ pk: 'jobs', deadLetter: 'jobs' }, 'deadLetter'],
  [{ family: 'mail-', deadLetter: 'mail-' }, 'deadLetter'],
  [{ pk: 'jobs', shards: 0 }, 'shards'],
  [{ pk: 'jobs', strict: 1 }, 'strict'],
  [{ pk: 'jobs', limits: { concurrency: 0 } }, 'limits.concurrency'],
  [{ pk: 'jobs', strict: true, limits: { groupConcurrency: 1 } }, 'limits.groupConcurrency'],
  [{ pk: 'jobs', onEvent: 5 }, 'onEvent'],
  [{ pk: 'jobs', pkPrefix: 'x' }, 'options.pkPrefix'],
  [{ pk: 'jobs', visibilityTimeout: 30 }, "options.visibilityTimeout: is not known: use 'visibilitySeconds"],
  [{ pk: 'jobs', backoff: 5 }, 'backoff: must be an object, such as'],
])('%j is refused: %s', (options, field) => {
  expect(() => checkHandling(options as never, [])).toThrow(
    expect.objectContaining({
      name: 'InvalidInput',
      message: expect.stringMatching(new RegExp(`^${field}\\b`)),
    }),
  )
})

test('more names are known where somebody takes them', () => {
  expect(() => checkHandling({ pk: 'jobs', concurrency: 3 } as never, [])).toThrow(InvalidInput)
  expect(() => checkHandling({ pk: 'jobs', concurrency: 3 } as never, ['concurrency'])).not.toThrow()
})

test('waits are a pair, the shorter one first', () => {
  for (const right of [undefined, [5, 5], [1, 9]]) expect(() => checkWaits(right, 'waits')).not.toThrow()
  for (const wrong of [5, [1], [1, 2, 3], [9, 1], [-1, 5], ['1', 5], { length: 2 }])
    expect(() => checkWaits(wrong, 'waits')).toThrow(InvalidInput)
})
