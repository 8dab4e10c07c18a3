import fc from 'fast-check'
import { expect, it } from 'vitest'
import { justBefore } from '../../src/console/just-before.ts'
import { utf8Order } from '../../src/model/values.ts'

it('is smaller, well-formed, and greater than all keys that differ in the last character', () => {
  const key = fc.string({ unit: 'binary', minLength: 1, maxLength: 8 }).filter((one) => one.isWellFormed())
  fc.assert(
    fc.property(key, (sk) => {
      const before = justBefore(sk)
      if (before === undefined) return sk === '\0'
      expect(before.isWellFormed()).toBe(true)
      return utf8Order(before) < utf8Order(sk)
    }),
  )
  for (const smaller of ['ab', 'abzzz', 'ab\uffff'])
    expect(utf8Order(smaller) < utf8Order(justBefore('ac')!)).toBe(true)
  expect(justBefore('\ue000')!.isWellFormed()).toBe(true)
  expect(justBefore('\0')).toBeUndefined()
  expect(justBefore('a\0')).toBe('a')
})
