import { InvalidInput } from 'lockrow'
import { describe, expect, test } from 'vitest'
import { checkSettings, LambdaQueues } from '../../src/worker/lambda-queues.ts'

const handler = () => {}
const other = () => {}
const asked = (...names: string[]) => ({ names, isAsked: true })
const seen = (...names: string[]) => ({ names, isAsked: false })
const names = (queues: LambdaQueues, wake?: { names: string[]; isAsked: boolean }) =>
  queues.for(wake).map(({ options }) => options.pk ?? `family ${options.family}`)

describe('one handler', () => {
  test('for one queue, or several: all of them, unless an event names some', () => {
    expect(names(new LambdaQueues(handler, { pk: 'a' }))).toEqual(['a'])
    const queues = new LambdaQueues(handler, { pk: ['a', 'b'], maxReceives: 3, concurrency: 2 })
    expect(names(queues)).toEqual(['a', 'b'])
    expect(names(queues, asked('b'))).toEqual(['b'])
    expect(queues.for(undefined)[0]).toEqual({ handler, options: { pk: 'a', maxReceives: 3 } })
  })

  test('a name that is no queue of the function is refused where somebody asked for it, else it is not meant', () => {
    const queues = new LambdaQueues(handler, { pk: ['jobs', 'mails'] })
    expect(() => queues.for(asked('job'))).toThrow(/'job' is not a queue of this function: .*jobs/)
    expect(names(queues, seen('items', 'jobs', 'jobs#dead'))).toEqual(['jobs'])
    expect(names(queues, seen('items'))).toEqual([])
  })

  test('a shard is its queue, once however many are named', () => {
    const queues = new LambdaQueues(handler, { pk: 'jobs', shards: 4 })
    expect(names(queues, seen('jobs#shard1', 'jobs#shard3', 'jobs#scheduled'))).toEqual(['jobs'])
  })

  test('without queues there is nothing to serve', () => {
    expect(() => new LambdaQueues(handler, undefined)).toThrow(InvalidInput)
    expect(() => new LambdaQueues(handler, {})).toThrow(/pk/)
    expect(() => new LambdaQueues(handler, { pk: [] })).toThrow(/pk/)
    expect(() => new LambdaQueues(handler, { pk: ['a', ''] })).toThrow(/pk/)
    expect(() => new LambdaQueues(handler, { pk: 'a', retrySeconds: 5 } as never)).toThrow(/backoff/)
  })
})

describe('a family', () => {
  const family = new LambdaQueues(handler, { family: 'mail-', maxReceives: 2 })

  test('is served as a whole where nothing is named', () => {
    expect(family.for(undefined)).toEqual([{ handler, options: { family: 'mail-', maxReceives: 2 } }])
    expect(names(family, asked('mail-'))).toEqual(['family mail-'])
  })

  test('or queue by queue, whose dead letters are those of the family', () => {
    expect(family.for(asked('mail-7'))).toEqual([
      { handler, options: { pk: 'mail-7', maxReceives: 2, deadLetter: 'mail-#dead' } },
    ])
    expect(names(family, seen('mail-7', 'mail-8#dead', 'mail-9', 'items', 'mail-#work'))).toEqual([
      'mail-7',
      'mail-9',
    ])
    expect(names(family, asked('mail-8#dead'))).toEqual(['mail-8#dead'])
  })

  test('a queue that is not of it is refused where it is asked for', () => {
    expect(() => family.for(asked('jobs'))).toThrow(/mail-\.\.\./)
  })

  test('stands alone', () => {
    expect(() => new LambdaQueues(handler, { family: 'mail-', pk: 'a' })).toThrow(/family/)
    expect(() => new LambdaQueues(handler, { family: '' })).toThrow(InvalidInput)
    expect(() => new LambdaQueues({ a: handler }, { family: 'mail-' })).toThrow(/is for one handler/)
  })
})

describe('handlers by the names of their queues', () => {
  test('each with settings of its own over those of all', () => {
    const queues = new LambdaQueues(
      { a: handler, b: { handler: other, maxReceives: 9 } },
      { maxReceives: 2, visibilitySeconds: 5, reserveMs: 100 },
    )
    expect(queues.for(undefined)).toEqual([
      { handler, options: { pk: 'a', maxReceives: 2, visibilitySeconds: 5 } },
      { handler: other, options: { pk: 'b', maxReceives: 9, visibilitySeconds: 5 } },
    ])
    expect(names(new LambdaQueues({ a: handler }, undefined))).toEqual(['a'])
  })

  test.each([
    [{}, {}],
    [null, {}],
    ['a', {}],
    [{ a: 5 }, {}],
    [{ a: null }, {}],
    [{ a: { maxReceives: 5 } }, {}],
    [{ a: { handler, pk: 'b' } }, {}],
    [{ a: handler }, { pk: 'a' }],
    [{ a: { handler, maxReceives: 0 } }, {}],
  ])('%j with %j is refused', (handlers, settings) => {
    expect(() => new LambdaQueues(handlers as never, settings as never)).toThrow(InvalidInput)
  })
})

test('what all queues have in common is checked', () => {
  for (const right of [{}, { concurrency: 1, reserveMs: 0 }]) expect(() => checkSettings(right)).not.toThrow()
  for (const wrong of [{ concurrency: 0 }, { concurrency: 1.5 }, { reserveMs: -1 }, { reserveMs: '5' }])
    expect(() => checkSettings(wrong as never)).toThrow(InvalidInput)
})
