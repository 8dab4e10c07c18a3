import { InvalidInput } from 'lockrow'
import { expect, test } from 'vitest'
import { type ChangeRecord, changesOf } from '../../src/worker/table-change.ts'

const keys = { pk: { S: 'p' }, sk: { S: 'a' } }
const item = (n: number, ttl?: number) => ({
  ...keys,
  data: { N: String(n) },
  ...(ttl !== undefined && { ttl: { N: String(ttl) } }),
})
const lock = { ...keys, version: { S: 'v1' }, ttl: { N: '5000' } }
const message = { ...keys, n: { N: '2' }, data: { S: 'x' } }

const record = (eventName: string, OldImage?: object, NewImage?: object, more: object = {}): ChangeRecord =>
  ({
    eventName,
    dynamodb: { ApproximateCreationDateTime: 1000, SequenceNumber: '77', OldImage, NewImage },
    ...more,
  }) as never
const shape = (given: ChangeRecord) =>
  changesOf(given).map(({ kind, type, before, after }) => [
    kind,
    type,
    before !== undefined,
    after !== undefined,
  ])

test('a change has a kind, a type, a key, a time and its place in the stream', () => {
  expect(changesOf(record('MODIFY', item(1), item(2)))).toEqual([
    {
      kind: 'item',
      type: 'changed',
      key: { pk: 'p', sk: 'a' },
      at: 1_000_000,
      sequenceNumber: '77',
      before: { pk: 'p', sk: 'a', data: 1 },
      after: { pk: 'p', sk: 'a', data: 2 },
    },
  ])
  expect(changesOf(record('INSERT', undefined, lock))).toMatchObject([
    { kind: 'lock', type: 'created', after: { version: 'v1', ttl: 5000 } },
  ])
  expect(changesOf(record('REMOVE', message))).toMatchObject([
    { kind: 'message', type: 'removed', before: { data: 'x', receiveCount: 2 } },
  ])
})

test('what the service deletes for its ttl has expired; so has what was over when somebody deleted it', () => {
  const byService = { userIdentity: { principalId: 'dynamodb.amazonaws.com', type: 'Service' } }
  expect(shape(record('REMOVE', item(1), undefined, byService))).toEqual([['item', 'expired', true, false]])
  expect(shape(record('REMOVE', item(1, 1000)))).toEqual([['item', 'expired', true, false]])
  expect(shape(record('REMOVE', item(1, 1001)))).toEqual([['item', 'removed', true, false]])
  expect(shape(record('REMOVE', item(1), undefined, { userIdentity: { principalId: 'somebody' } }))).toEqual([
    ['item', 'removed', true, false],
  ])
  // A change by the service that is no deletion is none of its expiry.
  expect(shape(record('MODIFY', item(1), item(2), byService))).toEqual([['item', 'changed', true, true]])
})

test('what expired before it was replaced is two changes, and so is a row of another kind', () => {
  expect(shape(record('MODIFY', item(1, 900), item(2)))).toEqual([
    ['item', 'expired', true, false],
    ['item', 'created', false, true],
  ])
  // Both are over: neither is there for anybody.
  expect(shape(record('MODIFY', item(1, 900), item(2, 900)))).toEqual([['item', 'changed', true, true]])
  expect(shape(record('MODIFY', item(1), lock))).toEqual([
    ['item', 'removed', true, false],
    ['lock', 'created', false, true],
  ])
})

test('rows that only the engine reads are no changes', () => {
  const payload = { pk: { S: 'q#payload#1' }, sk: { S: '#' }, version: { S: 'm' }, data: { S: 'x' } }
  expect(shape(record('INSERT', undefined, payload))).toEqual([])
  expect(shape(record('REMOVE', payload))).toEqual([])
})

test('without a time of the record it is now; without a number it has none', () => {
  const before = Date.now()
  const [change] = changesOf({ eventName: 'INSERT', dynamodb: { NewImage: item(1) as never } })
  expect(change!.at).toBeGreaterThanOrEqual(before)
  expect(change!.at).toBeLessThanOrEqual(Date.now())
  expect(change!.sequenceNumber).toBe('')
})

test.each([
  record('INSERT'),
  record('MODIFY', item(1)),
  record('MODIFY', undefined, item(1)),
  record('REMOVE', undefined, item(1)),
  { eventName: 'INSERT' },
])('a record without its images is refused: %j', (given) => {
  expect(() => changesOf(given)).toThrow(InvalidInput)
})

test.each(['KEYS_ONLY', 'NEW_IMAGE'])('a stream of %s is refused by name', (StreamViewType) => {
  const given = record('INSERT', undefined, item(1))
  expect(() => changesOf({ ...given, dynamodb: { ...given.dynamodb, StreamViewType } })).toThrow(
    /NEW_AND_OLD_IMAGES/,
  )
  const right = { ...given, dynamodb: { ...given.dynamodb, StreamViewType: 'NEW_AND_OLD_IMAGES' } }
  expect(changesOf(right)).toHaveLength(1)
})

test('what replaces an expired item lives until its own ttl, to the second', () => {
  expect(shape(record('MODIFY', item(1, 900), item(2, 1001)))).toEqual([
    ['item', 'expired', true, false],
    ['item', 'created', false, true],
  ])
  expect(shape(record('MODIFY', item(1, 900), item(2, 1000)))).toEqual([['item', 'changed', true, true]])
})
