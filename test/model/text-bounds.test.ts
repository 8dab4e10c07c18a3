import fc from 'fast-check'
import { expect, it } from 'vitest'
import { lastWithPrefix, nextText, previousText } from '../../src/model/text-bounds.ts'

const order = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
const size = (text: string) => Buffer.byteLength(text)

const character = fc.constantFrom(
  '\0',
  '\x01',
  'a',
  '\x7f',
  '\x80',
  '\u07ff',
  '\u0800',
  '\ud7ff',
  '\ue000',
  '\uffff',
  '\u{10000}',
  '\u{10ffff}',
)
/** Short texts, and some that leave 0 to 5 bytes to the limit. */
const text = fc
  .tuple(fc.array(character, { maxLength: 4 }), fc.option(fc.nat(5)), fc.array(character, { maxLength: 2 }))
  .map(([start, room, end]) => {
    const [head, tail] = [start.join(''), end.join('')]
    if (room === null) return head + tail
    return head + 'x'.repeat(1024 - room - size(head) - size(tail)) + tail
  })
  .filter((made) => made !== '' && size(made) <= 1024)

it('the next text is the least one behind, the previous one the greatest before', () => {
  fc.assert(
    fc.property(text, (given) => {
      const next = nextText(given)
      if (next !== undefined) {
        expect(order(given, next)).toBe(-1)
        expect(next.isWellFormed() && size(next) <= 1024).toBe(true)
        expect(previousText(next)).toBe(given)
      }
      const previous = previousText(given)
      if (previous !== undefined) {
        expect(order(previous, given)).toBe(-1)
        expect(previous.isWellFormed() && size(previous) <= 1024).toBe(true)
        expect(nextText(previous)).toBe(given)
      }
    }),
    { numRuns: 1000 },
  )
})

it('nothing lies between two neighbours', () => {
  fc.assert(
    fc.property(text, text, (one, other) => {
      const next = nextText(one)
      if (order(one, other) >= 0) return
      expect(next === undefined || order(next, other) <= 0).toBe(true)
      expect(order(one, previousText(other)!)).toBeLessThanOrEqual(0)
    }),
    { numRuns: 1000 },
  )
})

it('the last text with a prefix is the last one', () => {
  fc.assert(
    fc.property(text, text, (prefix, more) => {
      const last = lastWithPrefix(prefix)
      expect(last.startsWith(prefix) && last.isWellFormed()).toBe(true)
      expect(size(last)).toBe(1024)
      if (size(prefix + more) <= 1024) expect(order(prefix + more, last)).toBeLessThanOrEqual(0)
      expect(nextText(last)?.startsWith(prefix) ?? false).toBe(false)
    }),
    { numRuns: 1000 },
  )
})

it('the ends of everything', () => {
  expect(previousText('\0')).toBeUndefined()
  expect(nextText('\u{10ffff}'.repeat(256))).toBeUndefined()
  expect(nextText('a')).toBe('a\0')
  expect(previousText('a\0')).toBe('a')
})
