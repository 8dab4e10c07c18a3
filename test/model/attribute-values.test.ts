import { expect, test } from 'vitest'
import { decodeRow, encode, encodeRow, wireKey } from '../../src/model/attribute-values.ts'
import { Decimal } from '../../src/model/numbers.ts'
import { exactRow } from '../../src/model/wire.ts'

const bytes = new Uint8Array([1])

test.each([
  ['a', { S: 'a' }],
  [1.5, { N: '1.5' }],
  [2n ** 60n, { N: '1152921504606846976' }],
  [new Decimal('1.50'), { N: '1.50' }],
  [true, { BOOL: true }],
  [false, { BOOL: false }],
  [null, { NULL: true }],
  [bytes, { B: 'AQ==' }],
  [['a', 1], { L: [{ S: 'a' }, { N: '1' }] }],
  [{ a: { b: '' } }, { M: { a: { M: { b: { S: '' } } } } }],
  [new Set(['a', 'b']), { SS: ['a', 'b'] }],
  [new Set([1, 2n ** 60n]), { NS: ['1', '1152921504606846976'] }],
  [new Set([bytes]), { BS: ['AQ=='] }],
])('%o on the wire, and back', (value, wire) => {
  expect(JSON.parse(JSON.stringify(encode(value)))).toEqual(wire)
  const row = decodeRow({ ...wireKey({ pk: 'p', sk: 's' }), data: wire } as never)!
  if (value instanceof Decimal) expect(row.data).toBe(1.5)
  else expect(row).toEqual({ pk: 'p', sk: 's', data: value })
})

test('bytes are written and read as they are where the SDK makes the text', () => {
  const encoded = encode(bytes) as { B: Uint8Array }
  expect([...encoded.B]).toEqual([1])
  const row = decodeRow({ ...wireKey({ pk: 'p', sk: 's' }), data: { B: bytes } })
  expect(row).toEqual({ pk: 'p', sk: 's', data: bytes })
})

test('undefined is left out, a function refused, no row is no row', () => {
  expect(encodeRow({ pk: 'p', sk: 's', ttl: undefined })).toEqual({ pk: { S: 'p' }, sk: { S: 's' } })
  expect(() => encode(() => 1)).toThrow(/a function cannot be stored/)
  expect(decodeRow(undefined)).toBeUndefined()
})

test('a number of many digits is shown as the nearest one and kept as it is', () => {
  const text = '0.12345678901234567890123'
  const row = decodeRow({ pk: { S: 'p' }, sk: { S: 's' }, data: { L: [{ N: text }, { NS: [text] }] } })!
  expect(row.data).toEqual([Number(text), new Set([Number(text)])])
  expect(exactRow(row).data).toEqual([new Decimal(text), new Set([new Decimal(text)])])
  const plain = decodeRow({ pk: { S: 'p' }, sk: { S: 's' }, data: { N: '5' } })!
  expect(exactRow(plain)).toBe(plain)
})

test('a field of the name __proto__ is a field, both ways', () => {
  const stored = JSON.parse('{"pk":{"S":"p"},"sk":{"S":"s"},"data":{"M":{"__proto__":{"S":"x"}}}}')
  const row = decodeRow(stored)!
  expect(Object.getOwnPropertyDescriptor(row.data, '__proto__')?.value).toBe('x')
  expect(({} as { x?: string }).x).toBeUndefined()
  expect(JSON.stringify(encodeRow(row))).toBe(JSON.stringify(stored))
  // and it cannot be written again by callers: the row remembers what it is
  expect(exactRow(row)).not.toBe(row)
})
