import { expect, test } from 'vitest'
import {
  checkItemNames,
  checkKeyNames,
  checkMessageNames,
  operationTypes,
} from '../../src/model/item-names.ts'

const item = { pk: 'p', sk: 's', data: 1 }
const pulled = { ...item, receipt: 'r', isProcessing: true, receiveCount: 1, enqueuedAt: 1, payloadKey: 'k' }

test('what reads return may be passed back', () => {
  expect(() => checkKeyNames({ ...pulled, version: 'v', ttl: 1 }, '')).not.toThrow()
  expect(() => checkItemNames(pulled, '')).not.toThrow()
  expect(() => checkMessageNames({ ...pulled, delaySeconds: 1, deduplicationId: 'd' })).not.toThrow()
})

test.each([
  ['a key', () => checkKeyNames({ pk: 'p', sk: 's', id: 1 }, 'key'), "'pk' and 'sk'"],
  ['an item', () => checkItemNames({ ...item, value: 1 }, 'item'), "'data'"],
  ['an item with a version', () => checkItemNames({ ...item, version: 'v' }, 'item'), 'setAtomic'],
  ['an item with a delay', () => checkItemNames({ ...item, delaySeconds: 1 }, 'item'), 'delaySeconds'],
  ['a message', () => checkMessageNames({ ...item, MessageGroupId: 'g' }), "'group'"],
])('%s with a name that it does not take is told what to use', (_, check, hint) => {
  expect(check).toThrow(
    expect.objectContaining({ code: 'InvalidInput', message: expect.stringContaining(hint) }),
  )
})

test('every operation of a transaction has its names', () => {
  expect(operationTypes.toSorted()).toEqual([
    'bump',
    'check',
    'delete',
    'queueAcknowledge',
    'queuePush',
    'set',
    'setIfAbsent',
    'update',
  ])
})
