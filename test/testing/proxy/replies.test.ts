import { expect, test } from 'vitest'
import * as replies from '../../../src/testing/proxy/replies.ts'
import { Random } from '../../../src/testing/random.ts'

const content = ({ body }: replies.ProxyReply) => JSON.parse(body.toString())
const typesOf = (make: (random: Random) => replies.ProxyReply) => {
  const random = new Random(1)
  return new Set(Array.from({ length: 50 }, () => content(make(random)).__type.split('#')[1]))
}

test('each way in which the service throttles, or refuses a clock', () => {
  expect(typesOf(replies.throttled)).toEqual(
    new Set(['ProvisionedThroughputExceededException', 'RequestLimitExceeded', 'ThrottlingException']),
  )
  expect(typesOf(replies.clockSkewed)).toEqual(
    new Set(['InvalidSignatureException', 'RequestExpired', 'RequestTimeTooSkewed']),
  )
})

test.each([
  [replies.serverError(), 500],
  [replies.unavailable(), 503],
  [replies.inProgress(), 400],
  [replies.conflict(), 400],
])('%o', ({ status }, expected) => expect(status).toBe(expected))

test('of a cancelled transaction one operation was in conflict', () => {
  const codes = content(replies.cancelled(3, 2)).CancellationReasons.map(({ Code }: { Code: string }) => Code)
  expect(codes).toEqual(['None', 'None', 'TransactionConflict'])
})

test('what was left undone is in the reply, which has no old checksum', () => {
  const given = { status: 200, headers: { 'x-amz-crc32': '1', a: 'b' }, body: Buffer.from('{"x":1}') }
  const written = replies.leftUndone(given, { t: [1] }, true)
  expect([content(written), written.headers]).toEqual([{ x: 1, UnprocessedItems: { t: [1] } }, { a: 'b' }])
  expect(content(replies.leftUndone(given, { t: [1] }, false))).toEqual({ x: 1, UnprocessedKeys: { t: [1] } })
})

test('a corrupted reply is another one in one byte, and the given one stays', () => {
  const given = replies.serverError()
  const before = Buffer.from(given.body)
  for (let seed = 0; seed < 50; seed++) {
    const { body } = replies.corrupted(given, new Random(seed))
    expect(body.filter((byte, i) => byte !== before[i])).toHaveLength(1)
  }
  expect(given.body).toEqual(before)
})
