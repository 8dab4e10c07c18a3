import fc from 'fast-check'
import { expect, it } from 'vitest'
import { fromJson, toJson, WrongTag } from '../../src/model/tagged-json.ts'

it('values of items come back from their JSON', () => {
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: 'small' },
      fc.string(),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (Object.is(n, -0) ? 0 : n)),
      fc.bigInt(),
      fc.boolean(),
      fc.constant(null),
      fc.uint8Array().map((bytes) => Uint8Array.from(bytes)),
      fc.uniqueArray(fc.string(), { minLength: 1 }).map((texts) => new Set(texts)),
      fc.array(tie('any')),
      fc.dictionary(
        fc
          .oneof(fc.constantFrom('$set', '$$set', '$bytes'), fc.string())
          .filter((name) => name !== '__proto__'),
        tie('any'),
      ),
    ),
  })).any
  fc.assert(
    fc.property(value, (one) => {
      expect(fromJson(toJson(one))).toEqual(one)
    }),
  )
})

it('a tag around something else is refused', () => {
  for (const text of ['{"$set":5}', '{"$bytes":"?"}', '{"$bigint":"x"}'])
    expect(() => fromJson(text)).toThrow(WrongTag)
})
