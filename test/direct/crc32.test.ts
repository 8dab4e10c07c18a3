import zlib from 'node:zlib'
import { expect, test } from 'vitest'
import { crc32, crc32ByTable } from '../../src/direct/crc32.ts'

test('the check value of the standard, and no bytes', () => {
  expect(crc32ByTable(Buffer.from('123456789'))).toBe(0xcbf43926)
  expect(crc32ByTable(Buffer.alloc(0))).toBe(0)
})

test.each([0, 1, 511, 512, 513, 4000])("the same as Node's own, of %d bytes", (length) => {
  const bytes = Uint8Array.from({ length }, (_, i) => (i * 7) & 0xff)
  // The first time by another way.
  expect([crc32(bytes), crc32(bytes)]).toEqual(Array(2).fill(crc32ByTable(bytes)))
  expect(crc32(bytes)).toBe((zlib.crc32 ?? crc32ByTable)(bytes))
})
