import { expect, test } from 'vitest'
import { HeldRequests } from '../../../src/testing/proxy/held.ts'
import { ProxyRequest } from '../../../src/testing/proxy/request.ts'

const put = (sk: string, token?: string) => {
  const action = token === undefined ? 'PutItem' : 'TransactWriteItems'
  const Item = { pk: { S: 'p' }, sk: { S: sk } }
  const content =
    token === undefined ? { Item } : { TransactItems: [{ Put: { Item } }], ClientRequestToken: token }
  return new ProxyRequest({ 'x-amz-target': `X.${action}` }, Buffer.from(JSON.stringify(content)))
}

function held() {
  const delivered: string[] = []
  const requests = new HeldRequests()
  const hold = (sk: string, replies: number, maxMs = Number.POSITIVE_INFINITY) =>
    requests.hold(put(sk), replies, maxMs, false, async () => void delivered.push(sk))
  return { requests, delivered, hold }
}

test('a request goes on after so many replies about its own rows', async () => {
  const { requests, delivered, hold } = held()
  hold('a', 2)
  requests.answered(put('b'))
  requests.answered(put('a'))
  expect(delivered).toEqual([])
  requests.answered(put('a'))
  expect(delivered).toEqual(['a'])
  requests.answered(put('a'))
  await requests.settle()
  expect(delivered).toEqual(['a'])
})

test('settle delivers what is left, and waits for it', async () => {
  const { requests, delivered, hold } = held()
  hold('a', Number.POSITIVE_INFINITY)
  hold('b', 1)
  await requests.settle()
  expect(delivered).toEqual(['a', 'b'])
})

test('the time may be over first', async () => {
  const requests = new HeldRequests()
  await new Promise<void>((resolve) => requests.hold(put('a'), 9, 1, false, async () => resolve()))
})

test('the token of a transaction that the service has is taken until it is done', async () => {
  const requests = new HeldRequests()
  const request = put('a', 'token')
  requests.hold(request, 9, Number.POSITIVE_INFINITY, true, async () => {
    expect(requests.isRunning('token')).toBe(true)
  })
  expect([requests.isRunning('token'), requests.isRunning('other'), requests.isRunning(undefined)]).toEqual([
    true,
    false,
    false,
  ])
  await requests.settle()
  expect(requests.isRunning('token')).toBe(false)
  requests.hold(request, 9, Number.POSITIVE_INFINITY, false, async () => {})
  expect(requests.isRunning('token')).toBe(false)
  await requests.settle()
})
