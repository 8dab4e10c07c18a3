import { rowFromText, rowToText } from 'lockrow/backend'
import { expect, test } from 'vitest'

const key = { pk: 'p', sk: 'a' }

test('everything comes back as it was', () => {
  const row = {
    ...key,
    ttl: 1_700_000_000,
    data: {
      text: 'ä😀\0"',
      numbers: [0, -1.5, 2n ** 60n],
      flags: [true, false, null],
      bytes: new Uint8Array([0, 255]),
      sets: [new Set(['a']), new Set([1, 2]), new Set([new Uint8Array([1]), new Uint8Array([2])])],
      B: 'a text under the name of a type',
      BS: ['so is this'],
      empty: [{}, [], ''],
    },
  }
  expect(rowFromText(rowToText(row))).toEqual(row)
  const digits = `{"pk":{"S":"p"},"sk":{"S":"a"},"data":{"N":"0.${'1'.repeat(38)}"}}`
  expect(rowToText(rowFromText(digits))).toContain('"N"')
})

test('binaries are base64, in the form of DynamoDB', () => {
  expect(rowToText({ ...key, data: new Uint8Array([1, 2]) })).toBe(
    '{"pk":{"S":"p"},"sk":{"S":"a"},"data":{"B":"AQI="}}',
  )
})
