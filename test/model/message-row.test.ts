import { expect, test } from 'vitest'
import { holds } from '../../src/model/evaluate.ts'
import {
  acknowledgeOperation,
  checkRoom,
  isHeldBy,
  isReady,
  isReadyGuard,
  type MessageRow,
  newMessage,
  toMessage,
  wasReceived,
} from '../../src/model/message-row.ts'
import { maxItemBytes, rowBytes } from '../../src/model/sizes.ts'

const now = 1_700_000_000_000
const source = { runtime: { now: () => now }, ulid: () => '01ARZ3NDEKTSV4RRFFQ69G5FAV' }
const row: MessageRow = { pk: 'q', sk: 's', n: 0 }

test('a new message: with a key of its own it says when it was pushed, with a delay when it is due', () => {
  expect(newMessage(source, { pk: 'q', data: 1 }, '').row).toEqual({
    pk: 'q',
    sk: source.ulid(),
    data: 1,
    n: 0,
  })
  const { row, item } = newMessage(source, { pk: 'q', sk: 's', data: 1, group: 'g' }, '', 3)
  expect(row).toEqual({ pk: 'q', sk: 's', data: 1, n: 0, due: now + 3000, enq: now, g: 'g' })
  expect(item).toMatchObject({ enqueuedAt: now, receiveCount: 0, isProcessing: false, group: 'g' })
  expect(newMessage(source, { pk: 'q', data: 1, delaySeconds: 0 }, '', 3).row.due).toBe(undefined)
})

test.each([
  [null, 'item'],
  [{ pk: 'q', data: 1, delaySeconds: -1 }, 'delaySeconds'],
  [{ pk: 'q', data: 1, group: 'x'.repeat(129) }, 'group'],
  [{ pk: 'q', data: 1, sk: 's', deduplicationId: 'd' }, 'deduplicationId'],
  [{ pk: 'q', data: 1, deduplicationId: 'x'.repeat(513) }, 'deduplicationId'],
])('refused: %o, for its %s', (input, field) => {
  expect(() => newMessage(source, input as never, '')).toThrow(
    expect.objectContaining({ code: 'InvalidInput', field }),
  )
  expect(() => newMessage(source, input as never, 'items[2]')).toThrow(
    expect.objectContaining({ field: input === null ? 'items[2]' : `items[2].${field}` }),
  )
})

test('the longest group and deduplication id are taken', () => {
  const input = { pk: 'q', data: 1, group: 'x'.repeat(128), deduplicationId: 'x'.repeat(512) }
  expect(newMessage(source, input, '').row.g).toHaveLength(128)
})

test('4096 bytes of a row are left for receipts; its trace does not count', () => {
  const filled = (bytes: number, more: object = {}): MessageRow => {
    const empty = { ...row, ...more, data: '' }
    return { ...empty, data: 'x'.repeat(bytes - rowBytes(empty)) }
  }
  const most = maxItemBytes - 4096
  expect(() => checkRoom(filled(most), 'item')).not.toThrow()
  expect(() => checkRoom(filled(most + 1), '')).toThrow(
    expect.objectContaining({ code: 'InvalidInput', field: 'item', limit: most, given: `${most + 1} bytes` }),
  )
  const t = new Uint8Array(26)
  expect(() => checkRoom(filled(most + 27, { t }), 'item')).not.toThrow()
  expect(() => checkRoom(filled(most + 28, { t }), 'item')).toThrow()
})

test.each([
  ['one that nobody has', row, true],
  ['one that was given back', { ...row, n: 2 }, true],
  ['one whose deadline is now', { ...row, due: now, r: 'r' }, true],
  ['one that is held', { ...row, due: now + 1, r: 'r' }, false],
  ['one that expires this second', { ...row, ttl: now / 1000 }, false],
  ['one that expires in the next', { ...row, ttl: now / 1000 + 1 }, true],
  ['an item', { pk: 'q', sk: 's', data: 1 }, false],
  ['nothing', undefined, false],
])('ready, by itself and as a guard: %s', (_, found, ready) => {
  expect([isReady(found, now), holds(isReadyGuard(now), found)]).toEqual([ready, ready])
})

test('who holds it, and whether it was received before', () => {
  const held = { ...row, r: 'mine', due: 1 }
  expect([isHeldBy(held, 'mine'), isHeldBy(held, 'other'), isHeldBy({ ...row, r: 'mine' }, 'mine')]).toEqual([
    true,
    false,
    false,
  ])
  expect([wasReceived(row), wasReceived({ ...row, n: 1 }), wasReceived({ ...row, first: 1 })]).toEqual([
    false,
    true,
    true,
  ])
})

test('what callers see: a deadline only while it is held', () => {
  const held = { ...row, n: 1, r: 'r', due: now + 1, first: 5, why: 'slow', p: 'payload' }
  expect(toMessage(held, now)).toEqual({
    pk: 'q',
    sk: 's',
    data: undefined,
    isProcessing: true,
    processingTimeout: now + 1,
    receiveCount: 1,
    enqueuedAt: 0,
    receipt: 'r',
    firstReceivedAt: 5,
    payloadKey: 'payload',
    reason: 'slow',
  })
  const over = toMessage(held, now + 1)
  expect(over.isProcessing).toBe(false)
  expect(over).not.toHaveProperty('processingTimeout')
  expect(toMessage({ ...row, sk: source.ulid() }, now).enqueuedAt).toBe(1469922850259)
})

test('an acknowledgement with a receipt is guarded by it', () => {
  expect(acknowledgeOperation({ pk: 'q', sk: 's' })).toEqual({ op: 'delete', key: { pk: 'q', sk: 's' } })
  const { guard } = acknowledgeOperation({ pk: 'q', sk: 's', receipt: 'r' })
  expect([
    holds(guard!, { ...row, r: 'r' }),
    holds(guard!, { ...row, r: 'x' }),
    holds(guard!, undefined),
  ]).toEqual([true, false, false])
})
