import { leftUndone } from 'lockrow/backend'
import { expect, test } from 'vitest'
import { batchSizes, rowsOf, undoneWrites, writeRequest } from '../../src/dynamo/batches.ts'

const a = { pk: 'p', sk: 'a' }
const b = { pk: 'p', sk: 'b' }
const c = { pk: 'p', sk: 'c' }
const wire = ({ pk, sk }: { pk: string; sk: string }) => ({ pk: { S: pk }, sk: { S: sk } })

test('one request takes what the service takes', () => {
  expect(batchSizes).toEqual({ read: 100, write: 25 })
})

test('a put and a delete in the form of BatchWriteItem', () => {
  expect(writeRequest({ put: { ...a, data: 1 } })).toEqual({
    PutRequest: { Item: { ...wire(a), data: { N: '1' } } },
  })
  expect(writeRequest({ delete: b })).toEqual({ DeleteRequest: { Key: wire(b) } })
})

test('writes that the reply names are undone, by their keys, in the order in which they were given', () => {
  const writes = [{ put: { ...a, data: 1 } }, { delete: b }, { put: { ...c } }]
  const reply = {
    UnprocessedItems: {
      t: [{ PutRequest: { Item: { ...wire(c) } } }, { DeleteRequest: { Key: wire(b) } }],
      another: [{ PutRequest: { Item: wire(a) } }],
    },
  }
  expect(undoneWrites(writes, reply, 't')).toEqual([writes[1], writes[2]])
  for (const nothing of [{}, { UnprocessedItems: {} }, { UnprocessedItems: { t: [] } }] as {
    UnprocessedItems?: Record<string, never[]>
  }[])
    expect(undoneWrites(writes, nothing, 't')).toEqual([])
})

test('rows are in the order of the keys, whatever the order of the reply; a missing one is undefined', () => {
  const reply = {
    Responses: { t: [{ ...wire(b), data: { S: 'b' } }, wire(a)], another: [wire(c)] },
    UnprocessedKeys: {},
  }
  expect(rowsOf([a, b, c], reply, 't')).toEqual([a, { ...b, data: 'b' }, undefined])
  expect(rowsOf([a], {}, 't')).toEqual([undefined])
})

test('rows that are decoded already count in place of the others', () => {
  expect(rowsOf([a, b], { Rows: [{ ...b, data: 2 }], Responses: { t: [wire(a)] } }, 't')).toEqual([
    undefined,
    { ...b, data: 2 },
  ])
})

test('a row that was left undone is not a missing one', () => {
  const reply = { Responses: { t: [wire(a)] }, UnprocessedKeys: { t: { Keys: [wire(b)] } } }
  expect(rowsOf([a, b, c], reply, 't')).toEqual([a, leftUndone, undefined])
})
