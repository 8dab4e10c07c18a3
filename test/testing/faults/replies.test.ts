import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import * as replies from '../../../src/testing/faults/replies.ts'

const content = (reply: replies.HttpReply) => JSON.parse(Buffer.from(reply.body as Uint8Array).toString())

test.each([
  [replies.throttled(true), 400, 'ThrottlingException'],
  [replies.throttled(false), 400, 'ProvisionedThroughputExceededException'],
  [replies.serverError(), 500, 'InternalServerError'],
  [replies.conflict(), 400, 'TransactionConflictException'],
])('%o', (reply, status, type) => {
  expect(reply.statusCode).toBe(status)
  expect(content(reply).__type.split('#')[1]).toBe(type)
})

test('of a cancelled transaction one operation was in conflict', () => {
  const { CancellationReasons } = content(replies.cancelled(3, 1))
  expect(CancellationReasons.map(({ Code }: { Code: string }) => Code)).toEqual([
    'None',
    'TransactionConflict',
    'None',
  ])
})

test('a reply that was read can be given again', async () => {
  const body = Readable.from([Buffer.from('{"a"'), Buffer.from(':1}')])
  const kept = await replies.collected({ statusCode: 200, headers: {}, body })
  expect(content(kept)).toEqual({ a: 1 })
  expect(await replies.collected(kept)).toBe(kept)
})

test('a reply that nobody reads is let go of', () => {
  const body = Object.assign(Readable.from([]), { resumed: false })
  body.resume = () => Object.assign(body, { resumed: true })
  replies.discard({ statusCode: 200, headers: {}, body })
  expect(body.resumed).toBe(true)
  expect(() => replies.discard({ statusCode: 200, headers: {}, body: undefined })).not.toThrow()
})

test('a lost connection looks as Node says it', () => {
  expect(replies.lostConnection('after')).toMatchObject({
    code: 'ECONNRESET',
    message: expect.stringContaining('after'),
  })
})
