import { expect, test } from 'vitest'
import { ProxyRequest } from '../../../src/testing/proxy/request.ts'
import { ServiceRules } from '../../../src/testing/proxy/service.ts'

const minute = 60_000
const start = Date.UTC(2026, 0, 2, 3, 4, 5)

function rules() {
  const clock = { now: start }
  return { clock, rules: new ServiceRules(() => clock.now) }
}

const signed = (date?: string) =>
  new ProxyRequest(date === undefined ? {} : { 'x-amz-date': date }, Buffer.from('{}'))
const transaction = (token: string) =>
  new ProxyRequest(
    { 'x-amz-target': 'X.TransactWriteItems' },
    Buffer.from(JSON.stringify({ ClientRequestToken: token })),
  )

test('a signature counts for five minutes, either way; without one there is nothing to judge', () => {
  const { clock, rules: service } = rules()
  const request = signed('20260102T030405Z')
  for (const [ahead, expired] of [
    [0, false],
    [5 * minute, false],
    [5 * minute + 1, true],
    [-5 * minute, false],
    [-5 * minute - 1, true],
  ] as const) {
    clock.now = start + ahead
    expect(service.isExpired(request)).toBe(expired)
  }
  expect([service.isExpired(signed()), service.isExpired(signed('soon'))]).toEqual([false, false])
})

test('the date of replies is that of the clock', () => {
  expect(rules().rules.date).toBe('Fri, 02 Jan 2026 03:04:05 GMT')
})

test('a token is the same for ten minutes from its first use, then another one', () => {
  const { clock, rules: service } = rules()
  const first = service.withToken(transaction('t')).token
  expect(first).toMatch(/^[0-9a-f]{36}$/)
  clock.now += 10 * minute
  expect(service.withToken(transaction('t')).token).toBe(first)
  expect(service.withToken(transaction('u')).token).not.toBe(first)
  clock.now += 1
  expect(service.withToken(transaction('t')).token).not.toBe(first)
  const plain = signed()
  expect(service.withToken(plain)).toBe(plain)
})
