import { expect, test } from 'vitest'
import { checkFamily, checkFamilyName } from '../../src/model/families.ts'

test('a queue belongs to a family that its name begins with and goes on after', () => {
  expect(checkFamily('mails/', 'mails/customer-7')).toBe('mails/')
  expect(checkFamily('tenant#7#', 'tenant#7#jobs')).toBe('tenant#7#')
})

test.each([
  ['mails/', 'mails/'],
  ['mails/', 'mail/customer-7'],
  ['mails/', 'mails/#work'],
  ['mails/', 'mails/#dead'],
  ['mails/', 'mails/customer-7#shard3'],
  ['mails/', `mails/${'x'.repeat(1020)}`],
  ['', 'mails'],
])('%j is no family of %j', (family, pk) => {
  expect(() => checkFamily(family, pk)).toThrow(/^family[.:]|^pk: /)
})

test('a family is a text', () => {
  expect(checkFamilyName('mails/')).toBe('mails/')
  for (const wrong of [undefined, '', 7]) expect(() => checkFamilyName(wrong)).toThrow('family: must be')
})
