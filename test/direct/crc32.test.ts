import zlib from 'node:zlib'
import { expect, test } from 'vitest'
import { crc32ByTable, crc32Of } from '../../src/direct/crc32.ts'

test('the check value of the standard, and no bytes', () => {
  expect(crc32ByTable(Buffer.from('123456789'))).toBe(0xcbf43926)
  expect(crc32ByTable(Buffer.alloc(0))).toBe(0)
})

test("the same as Node's own, which is used where there is one", () => {
  expect(crc32Of({})).toBe(crc32ByTable)
  expect(crc32Of(zlib)).toBe(zlib.crc32 ?? crc32ByTable)
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 7) & 0xff)
  expect(crc32Of(zlib)(bytes)).toBe(crc32ByTable(bytes))
})
