import fc from 'fast-check'
import { expect, it } from 'vitest'
import { pageFrom } from '../../src/model/range-page.ts'
import { utf8Order } from '../../src/model/values.ts'
import type { Range } from '../../src/storage.ts'
import { type Bounds, behindPrefix, boundsOf } from '../../src/stores/range-bounds.ts'

const sk = fc.string({
  unit: fc.constantFrom('a', 'b', '\0', '\ud7ff', '\ue000', '\uffff', '😀', '\u{10ffff}'),
  minLength: 1,
  maxLength: 4,
})
const compare = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))
const range: fc.Arbitrary<Range> = fc.oneof(
  fc.record({ pk: fc.constant('p'), prefix: sk, after: sk, reverse: fc.boolean() }, { requiredKeys: ['pk'] }),
  fc.record(
    { pk: fc.constant('p'), from: sk, to: sk, after: sk, reverse: fc.boolean() },
    { requiredKeys: ['pk'] },
  ),
)

/** As an index has it: by bytes alone. */
const isWithin = ({ low, high }: Bounds, key: string): boolean =>
  (!low || (low.included ? compare(key, low.sk) >= 0 : compare(key, low.sk) > 0)) &&
  (!high || (high.included ? compare(key, high.sk) <= 0 : compare(key, high.sk) < 0))

it('the bounds hold the same rows as a walk over all rows', () => {
  fc.assert(
    fc.property(range, fc.uniqueArray(sk, { maxLength: 30 }), (given, keys) => {
      const sorted = [...keys].sort((a, b) => (utf8Order(a) < utf8Order(b) ? -1 : 1))
      if (given.reverse) sorted.reverse()
      const walked = pageFrom(
        given,
        sorted.map((one) => ({ pk: 'p', sk: one })),
      ).rows.map((row) => row.sk)
      expect(sorted.filter((key) => isWithin(boundsOf(given), key))).toEqual(walked)
    }),
    { numRuns: 1000 },
  )
})

it('behind a prefix is the next text that does not begin with it', () => {
  expect(behindPrefix('ab')).toBe('ac')
  expect(behindPrefix('a\ud7ff')).toBe('a\ue000')
  expect(behindPrefix('a\u{10ffff}')).toBe('b')
  expect(behindPrefix('\u{10ffff}\u{10ffff}')).toBeUndefined()
})
