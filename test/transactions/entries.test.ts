import { type AtomicDbOperation, InvalidInput } from 'lockrow'
import { expect, test } from 'vitest'
import { Entries } from '../../src/transactions/entries.ts'

const key = (sk: string) => ({ pk: 'p', sk })
const message = (bytes = 0) => ({
  operation: { type: 'queuePush', item: { pk: 'q' } } as AtomicDbOperation,
  bytes,
  rows: 1,
})

test('an item has one entry, whatever else its key carries', () => {
  const entries = new Entries(false)
  expect(entries.find(key('a'))).toBe(undefined)
  const entry = entries.at({ ...key('a'), data: 1 } as never)
  expect([entries.at(key('a')), entries.find(key('a')), entry.key]).toEqual([entry, entry, key('a')])
  expect(entries.unknown([key('a'), key('b'), key('b')])).toEqual([key('b')])
  entries.drop(key('a'))
  expect(entries.all).toEqual([])
})

test('a write counts its row, and that of its lock once', () => {
  const entries = new Entries(true)
  for (let i = 0; i < 49; i++) entries.reserveWrite(key(`k${i}`))
  entries.reserveRows(2)
  expect(() => entries.reserveRows(3)).toThrow(InvalidInput)
  // The 50th item and its lock are the last two rows; a second write to it takes none.
  entries.reserveWrite(key('last'))
  entries.reserveWrite(key('last'))
  expect(() => entries.reserveWrite(key('one more'))).toThrow(/at most 100 rows/)
  expect(() => entries.at(key('read')) && entries.reserveRows(0)).toThrow(InvalidInput)
})

test('without locks a hundred rows are a hundred items', () => {
  const entries = new Entries(false)
  for (let i = 0; i < 100; i++) entries.reserveWrite(key(`k${i}`))
  entries.reserveRows(0)
  expect(() => entries.reserveWrite(key('one more'))).toThrow(
    /101: 0 items read, 100 written, 0 messages, and 1 of/,
  )
})

test('a write of what was read takes no row but that of its lock', () => {
  const entries = new Entries(true)
  for (let i = 0; i < 99; i++) entries.at(key(`k${i}`))
  entries.reserveWrite(key('k0'))
  expect(() => entries.reserveWrite(key('k1'))).toThrow(InvalidInput)
})

test('a write that is taken back leaves nothing, unless the item was read', () => {
  const entries = new Entries(false)
  const [twice, read, reading] = [
    entries.reserveWrite(key('twice')),
    entries.reserveWrite(key('read')),
    entries.reserveWrite(key('reading')),
  ]
  entries.reserveWrite(key('twice'))
  Object.assign(read, { base: { item: undefined } })
  Object.assign(reading, { isReading: true })
  for (const entry of [twice, read, reading]) entries.releaseWrite(entry)
  expect(entries.all).toEqual([twice, read, reading])
  entries.releaseWrite(twice)
  expect(entries.all).toEqual([read, reading])
})

test('messages count as rows and bytes; those that do not fit are not there', () => {
  const entries = new Entries(false)
  entries.addMessages(Array.from({ length: 98 }, () => message()))
  entries.addMessages([message(4 * 1024 * 1024)])
  expect(() => entries.addMessages([message(1)])).toThrow(/at most 4 MB/)
  entries.addMessages([message(0)])
  expect(() => entries.addMessages([message()])).toThrow(/100 messages, and 1 of this call/)
  expect(entries.messages).toHaveLength(100)
  entries.checkBytes()
})

test('what lies in a range, by the order of UTF-8 bytes', () => {
  const entries = new Entries(false)
  for (const sk of ['a', 'b', 'b\uffff', 'b😀', 'c']) entries.at(key(sk))
  entries.at({ pk: 'other', sk: 'b' })
  const within = (range: object) => entries.within({ pk: 'p', ...range }).map(({ key: { sk } }) => sk)
  expect(entries.within(undefined)).toEqual([])
  expect(within({})).toEqual(['a', 'b', 'b\uffff', 'b😀', 'c'])
  expect(within({ prefix: 'b' })).toEqual(['b', 'b\uffff', 'b😀'])
  expect(within({ from: 'b', to: 'b\uffff' })).toEqual(['b', 'b\uffff'])
  expect(within({ from: 'b\uffff' })).toEqual(['b\uffff', 'b😀', 'c'])
  expect(within({ to: 'b' })).toEqual(['a', 'b'])
  expect(within({ after: 'b' })).toEqual(['b\uffff', 'b😀', 'c'])
  expect(within({ after: 'b', reverse: true })).toEqual(['a'])
})

test('what was only read is told apart from what is written', () => {
  const entries = new Entries(false)
  for (let i = 0; i < 60; i++) entries.at(key(`r${i}`))
  for (let i = 0; i < 40; i++) entries.reserveWrite(key(`w${i}`))
  expect(() => entries.reserveRows(1)).toThrow(
    expect.objectContaining({ given: '101: 60 items read, 40 written, 0 messages, and 1 of this call' }),
  )
})

test('what stands for ids and payloads of messages counts as rows', () => {
  const entries = new Entries(false)
  entries.addMessages(Array.from({ length: 49 }, () => ({ ...message(), rows: 2 })))
  expect(() => entries.addMessages([{ ...message(), rows: 3 }])).toThrow(
    /101: .* 49 messages with 49 rows for payloads and ids, and 3 of this call/,
  )
  entries.addMessages([{ ...message(), rows: 2 }])
})
