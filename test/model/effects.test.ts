import { expect, test } from 'vitest'
import { contractMethods, effectOf, isContractMethod } from '../../src/model/effects.ts'

const a = { pk: 'p', sk: 'a' }
const b = { pk: 'p', sk: 'b' }
const lock = { pk: 'p', sk: 'a#lock', version: '1', ttl: 9 }
const message = { pk: 'q', sk: '1' }

test('what only reads changes nothing', () => {
  for (const method of ['get', 'getMany', 'query', 'count', 'getLock', 'queuePeek', 'queueStats'] as const)
    expect(effectOf(method, [] as never)).toBe(undefined)
})

test('writes name their rows, one or several', () => {
  expect(effectOf('set', [{ ...a, data: 1 }])).toEqual({ keys: [a] })
  expect(effectOf('delete', [[a, b]])).toEqual({ keys: [a, b] })
  expect(effectOf('update', [a, { add: { n: 1 } }])).toEqual({ keys: [a] })
  expect(effectOf('setAtomic', [{ ...b, data: 1 }, lock])?.keys).toEqual([b, { pk: 'p', sk: 'a#lock' }])
})

test('a transaction names the rows of its operations; a check changes none', () => {
  const operations = [
    { type: 'check', lock },
    { type: 'bump', key: b },
    { type: 'set', item: { ...a, data: 1 } },
    { type: 'queueAcknowledge', item: message },
  ] as const
  expect(effectOf('transact', [operations as never])).toEqual({ keys: [b, a, message] })
  expect(effectOf('transact', [[{ type: 'unheardOf' }] as never])).toEqual({ keys: [], everything: true })
})

test('queues: a push of its own key is a row, shards are partitions, pulls reach the dead letters', () => {
  expect(effectOf('queuePush', [{ pk: 'q', data: 1 }])).toEqual({ keys: [] })
  expect(effectOf('queuePush', [{ ...message, data: 1 }])).toEqual({ keys: [message] })
  expect(effectOf('queuePush', [{ ...message, data: 1 }, { shards: 2 }])).toEqual({
    keys: [],
    partitions: ['q'],
  })
  expect(effectOf('queuePull', [{ pk: 'q' }])).toEqual({
    keys: [],
    partitions: ['q', 'q#dead'],
    lingers: true,
  })
  expect(effectOf('queuePullMany', [{ pk: 'q', limit: 1, deadLetter: 'd' }])?.partitions).toEqual(['q', 'd'])
  expect(effectOf('queuePurge', ['q'])).toEqual({ keys: [], partitions: ['q'] })
  expect(effectOf('queueRedrive', [{ from: 'd', to: 'q' }])).toEqual({ keys: [], partitions: ['d', 'q'] })
  expect(effectOf('queueRedrive', [{ from: 'd' }])).toEqual({ keys: [], everything: true })
})

test('it never throws, whatever it is given', () => {
  for (const method of contractMethods)
    for (const given of [undefined, null, 7, 'text', [null], {}])
      expect(() => effectOf(method, [given, given] as never)).not.toThrow()
  expect(effectOf('set', [[a, { pk: 7, sk: 's' }, { pk: 'p' }, null] as never])).toEqual({ keys: [a] })
})

test('the names of the methods are those of the contract', () => {
  expect(contractMethods).toContain('transact')
  expect([isContractMethod('get'), isContractMethod('toString'), isContractMethod(7)]).toEqual([
    true,
    false,
    false,
  ])
})
