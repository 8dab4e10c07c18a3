import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  behind,
  decodeKey,
  decodeValue,
  encodeKey,
  encodeText,
  encodeValue,
  type KeyValue,
} from '../../src/collections/key-encoding.ts'
import { InvalidInput } from '../../src/errors.ts'

const order = (a: string, b: string): number => Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)))

const ranks = ['boolean', 'number', 'date', 'string']
const rank = (value: KeyValue): number =>
  ranks.indexOf(value instanceof Date ? 'date' : typeof value === 'bigint' ? 'number' : typeof value)

function compare(a: KeyValue, b: KeyValue): number {
  if (rank(a) !== rank(b)) return Math.sign(rank(a) - rank(b))
  if (typeof a === 'string') return order(a, b as string)
  return a < b ? -1 : a > b ? 1 : 0
}

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom('#', '$', ' ', '"', '\0', '%', '@', 'd', '~', 'a', '9', '\ud800\udc00', '\uffff'),
  }),
)
const whole = fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.integer({ min: -12, max: 12 }))
const fraction = fc
  .double({ noNaN: true, noDefaultInfinity: true, min: -9e15, max: 9e15 })
  .map((value) => (Math.abs(value) < 1e-130 ? 0 : value))
const decimals = fc
  .tuple(fc.integer({ min: -2000, max: 2000 }), fc.constantFrom(1, 10, 100, 1000))
  .map(([a, b]) => a / b)
const big = fc
  .bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n })
  .filter((value) => !Number.isSafeInteger(Number(value)))
const date = fc.date({
  min: new Date('0000-01-01T00:00:00Z'),
  max: new Date('9999-12-31T23:59:59.999Z'),
  noInvalidDate: true,
})
const value: fc.Arbitrary<KeyValue> = fc.oneof(text, whole, fraction, decimals, big, date, fc.boolean())
const tuple = (length: number) => fc.array(value, { minLength: length, maxLength: length })

describe('the text of a value', () => {
  test('sorts by bytes as the value does, and is the same for no other value', () => {
    fc.assert(
      fc.property(value, value, (a, b) => order(encodeValue(a), encodeValue(b)) === compare(a, b)),
      { numRuns: 5000 },
    )
  })

  test('can be read back', () => {
    fc.assert(
      fc.property(value, (a) => {
        const back = decodeValue(encodeValue(a))
        expect(back).toEqual(Object.is(a, -0) ? 0 : a)
      }),
      { numRuns: 2000 },
    )
  })

  test('of numbers, bigints and dates, as the table of the file says', () => {
    expect([false, true, -42, 0, 42, 0.001, 10n ** 20n].map((one) => encodeValue(one))).toEqual([
      '$0',
      '$1',
      '$449757~',
      '$5',
      '$650242',
      '$64981',
      '$65211',
    ])
    expect(encodeValue(new Date(0))).toBe('$81970-01-01T00:00:00.000Z')
    expect([encodeValue(''), encodeValue('a b#c$d'), encodeValue('ada@example.com')]).toEqual([
      '$?',
      'a$`b$cc$dd',
      'ada@example.com',
    ])
    expect(encodeValue(7n)).toBe(encodeValue(7))
  })
})

describe('the text of several values', () => {
  test('sorts as the values do, one after the other', () => {
    const both = fc.integer({ min: 1, max: 3 }).chain((length) => fc.tuple(tuple(length), tuple(length)))
    fc.assert(
      fc.property(both, ([a, b]) => {
        const first = a.findIndex((one, i) => compare(one, b[i]!) !== 0)
        const expected = first < 0 ? 0 : compare(a[first]!, b[first]!)
        return order(encodeKey(a), encodeKey(b)) === expected
      }),
      { numRuns: 3000 },
    )
  })

  test('can be read back, and one number of values never looks like another', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 4 }), (a) => {
        expect(decodeKey(encodeKey(a))).toEqual(a.map((one) => (Object.is(one, -0) ? 0 : one)))
      }),
      { numRuns: 1000 },
    )
  })

  test('all that follows a value lies between it and `behind`, and nothing else', () => {
    fc.assert(
      fc.property(value, value, value, (a, b, c) => {
        const [from, to, row] = [encodeValue(a), encodeValue(a) + behind, encodeKey([b, c])]
        return (order(from, row) <= 0 && order(row, to) < 0) === (compare(a, b) === 0)
      }),
      { numRuns: 2000 },
    )
  })

  test('the beginning of a text is the beginning of its key', () => {
    fc.assert(
      fc.property(text, text, value, (a, b, c) => {
        const isInside = encodeKey([b, c]).startsWith(encodeText(a, 'prefix'))
        return a === '' || isInside === b.startsWith(a)
      }),
      { numRuns: 2000 },
    )
  })

  test('no value forges a name of the library', () => {
    fc.assert(fc.property(text, (a) => !encodeValue(a).includes('#')))
  })
})

test.each([
  [Number.NaN],
  [Number.POSITIVE_INFINITY],
  [2 ** 60],
  [1e-200],
  [10n ** 38n],
  [new Date(Number.NaN)],
  [new Date('+012026-01-01T00:00:00Z')],
  ['\ud800'],
  [null],
  [undefined],
  [{}],
  [['a']],
  [new Uint8Array(1)],
])('%o cannot be a part of a key', (wrong) => {
  expect(() => encodeValue(wrong, 'email')).toThrow(InvalidInput)
  expect(() => encodeValue(wrong, 'email')).toThrow(/^email: /)
})

test.each([
  '$',
  '$2',
  '$6',
  '$65',
  '$6502',
  '$65020',
  '$650220',
  '$4497',
  '$449757',
  '$8today',
  '$e',
  'a$',
  'a#b',
  '$00',
  '$?a',
])('%s encodes no value', (wrong) => {
  expect(() => decodeValue(wrong)).toThrow(InvalidInput)
})
