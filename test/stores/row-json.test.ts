import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Decimal } from '../../src/model/numbers.ts'
import { equals, setOwn, typeName } from '../../src/model/values.ts'
import { exactRow } from '../../src/model/wire.ts'
import type { Row } from '../../src/storage.ts'
import { isPlainJson, rowFromJson, rowToJson } from '../../src/stores/row-json.ts'

const key = { pk: 'p', sk: 's' }
const back = (row: Row): Row => rowFromJson('p', 's', rowToJson(row))

const text = fc.oneof(fc.constantFrom('', '$b', '$m', '!', '\0', 'é', '😀'), fc.string())
const scalar = fc.oneof(
  text,
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 }).map((n) => (n === 0 ? 0 : n)),
  fc.bigInt({ min: 2n ** 53n, max: 10n ** 38n - 1n }),
  fc.constant(new Decimal('3.141592653589793238462643383279')),
  fc.boolean(),
  fc.constant(null),
  fc.uint8Array({ maxLength: 6 }),
  fc.uniqueArray(text, { minLength: 1, maxLength: 3 }).map((members) => new Set(members)),
  fc.uniqueArray(fc.integer(), { minLength: 1, maxLength: 3 }).map((members) => new Set(members)),
  fc.constant(new Set([Uint8Array.of(1), Uint8Array.of(2, 3)])),
  fc.constant(new Set([9007199254740993n, 1])),
)
const name = fc.oneof(
  fc.constantFrom('$b', '$n', '$ss', '$m', '$x', 'B', 'N', 'toString'),
  fc.string({ minLength: 1 }),
)
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    scalar,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.uniqueArray(fc.tuple(name, tie('value')), { maxLength: 4, selector: ([of]) => of }).map((entries) => {
      const map = {}
      for (const [of, inner] of entries) setOwn(map, of, inner)
      return map
    }),
  ),
}))

it('any value comes back as it was, to the last digit and with its type', () => {
  fc.assert(
    fc.property(value, fc.option(fc.integer(), { nil: undefined }), (data, ttl) => {
      const row: Row = ttl === undefined ? { ...key, data } : { ...key, data, ttl }
      const read = exactRow(back(row))
      expect(equals(read.data, data), rowToJson(row)).toBe(true)
      expect(typeName(read.data)).toBe(typeName(data))
      expect([read.pk, read.sk, read.ttl]).toEqual(['p', 's', ttl])
    }),
    { numRuns: 500 },
  )
})

it('what JSON has is plain JSON, without the key', () => {
  const row = { ...key, ttl: 5, data: { a: [1, 'é', null, true, { b: 0.1 }] }, w: 'id' }
  expect(rowToJson(row)).toBe('{"ttl":5,"data":{"a":[1,"é",null,true,{"b":0.1}]},"w":"id"}')
  expect(back(row)).toEqual(row)
})

it.each([
  [12345678901234567890n, '{"$n":"12345678901234567890"}'],
  [Uint8Array.of(1, 2), '{"$b":"AQI="}'],
  [new Set(['a']), '{"$ss":["a"]}'],
  [new Set([1, 12345678901234567890n]), '{"$ns":["1","12345678901234567890"]}'],
  [new Set([Uint8Array.of(1, 2)]), '{"$bs":["AQI="]}'],
  [[{ $b: 'AQI=' }, 10n ** 30n], `[{"$m":{"$b":"AQI="}},{"$n":"1${'0'.repeat(30)}"}]`],
])('what JSON lacks has a tag: %s', (data, text) => {
  const stored = rowToJson({ ...key, data })
  expect(stored).toBe(`!{"data":${text}}`)
  expect(isPlainJson(stored)).toBe(false)
  expect(back({ ...key, data })).toEqual({ ...key, data })
})

it('a map that looks like a tag is a map, in a plain row and beside values that are not plain', () => {
  const data = { $b: 'AQI=' }
  expect(rowToJson({ ...key, data })).toBe('{"data":{"$b":"AQI="}}')
  expect(back({ ...key, data })).toEqual({ ...key, data })
  const beside = { map: data, deep: { $m: { $n: '1' } }, bytes: Uint8Array.of(1) }
  expect(back({ ...key, data: beside })).toEqual({ ...key, data: beside })
  expect(back({ ...key, $b: Uint8Array.of(9) })).toEqual({ ...key, $b: Uint8Array.of(9) })
})

it('a number that JS cannot show is read as the nearest one, and compared as it is', () => {
  const exact = new Decimal('0.1234567890123456789')
  const read = back({ ...key, data: { n: exact } })
  expect(read.data).toEqual({ n: 0.12345678901234568 })
  expect((exactRow(read).data as { n: Decimal }).n.text).toBe(exact.text)
})

it('a field named __proto__ is a field', () => {
  const data = {}
  setOwn(data, '__proto__', { admin: true })
  const read = back({ ...key, data })
  expect(Object.getPrototypeOf(read.data)).toBe(Object.prototype)
  expect(Object.keys(read.data as object)).toEqual(['__proto__'])
  expect((read.data as { admin?: boolean }).admin).toBeUndefined()
})

it('a tag of a later version is refused', () => {
  expect(() => rowFromJson('p', 's', '!{"data":{"$date":"1"}}')).toThrow(/newer version/)
})
