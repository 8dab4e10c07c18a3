import { expect, test } from 'vitest'
import { OldReplies } from '../../../src/testing/faults/old-replies.ts'
import type { Random } from '../../../src/testing/random.ts'

const never = { chance: () => false } as unknown as Random
const always = { chance: () => true } as unknown as Random
const body = (consistent?: boolean) =>
  JSON.stringify({ Key: 'k', ...(consistent === undefined ? {} : { ConsistentRead: consistent }) })

test('an eventual read gets what the same read got before, strong or not', () => {
  const replies = new OldReplies<string>()
  replies.keep('GetItem', body(true), 'first', never)
  replies.keep('GetItem', body(false), 'second', never)
  expect(replies.find('GetItem', body(false))).toBe('first')
  expect(replies.find('GetItem', body())).toBe('first')
  expect(replies.find('GetItem', body(true))).toBe(undefined)
  expect(replies.find('Query', body(false))).toBe(undefined)
  expect(replies.find('PutItem', body(false))).toBe(undefined)
  replies.keep('GetItem', body(), 'third', always)
  expect(replies.find('GetItem', body())).toBe('third')
})

test('only reads have old replies', () => {
  const actions = ['GetItem', 'BatchGetItem', 'Query', 'PutItem', 'TransactGetItems']
  expect(actions.map((action) => OldReplies.isRead(action))).toEqual([true, true, true, false, false])
})

test('a thousand are kept, the first one leaves', () => {
  const replies = new OldReplies<number>()
  for (let i = 0; i <= 1000; i++) replies.keep('Query', `{"n":${i}}`, i, never)
  expect([0, 1, 1000].map((i) => replies.find('Query', `{"n":${i}}`))).toEqual([undefined, 1, 1000])
})
