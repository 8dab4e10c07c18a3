import { expect, test } from 'vitest'
import { Dice } from '../../../src/testing/proxy/dice.ts'
import { type ProxyFault, proxyFaults } from '../../../src/testing/proxy/kinds.ts'
import { ProxyRequest } from '../../../src/testing/proxy/request.ts'

const request = (action: string, content: object = {}) =>
  new ProxyRequest({ 'x-amz-target': `X.${action}` }, Buffer.from(JSON.stringify(content)))
const row = (sk: string) => ({ PutRequest: { Item: { pk: { S: 'p' }, sk: { S: sk } } } })
const batch = (...all: string[]) => request('BatchWriteItem', { RequestItems: { t: all.map(row) } })

test.each<[ProxyFault, ProxyRequest, ProxyRequest]>([
  ['late', request('PutItem'), request('GetItem')],
  ['inProgress', request('TransactWriteItems', { ClientRequestToken: 't' }), request('TransactWriteItems')],
  ['conflict', request('UpdateItem'), request('BatchWriteItem')],
  ['conflict', request('TransactGetItems'), request('Query')],
  ['partialBatch', batch('a', 'b'), batch('a')],
  ['duplicate', request('PutItem'), request('UpdateItem')],
])('%s happens to those to which it can', (fault, fits, other) => {
  const dice = new Dice(1, { [fault]: 1 })
  expect([dice.fate(fits, false), dice.fate(other, false)]).toEqual([fault, undefined])
  expect(dice.counts[fault]).toBe(1)
})

test('a cut comes before any other fate, where the connection may still be cut', () => {
  const dice = new Dice(1, { cutDuring: 1, dropReply: 1 })
  expect([dice.fate(request('GetItem'), true), dice.fate(request('GetItem'), false)]).toEqual([
    'cutDuring',
    'dropReply',
  ])
  expect(new Dice(1, { cutBefore: 1, cutDuring: 1 }).cut()).toBe('cutBefore')
})

test('a fault without a rate never happens, and draws nothing', () => {
  const [a, b] = [new Dice(5, {}), new Dice(5, {})]
  for (const fault of proxyFaults) expect(a.happens(fault)).toBe(false)
  expect(a.random.next()).toBe(b.random.next())
})
