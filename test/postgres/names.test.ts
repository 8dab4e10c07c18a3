import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeKey,
  encodeKey,
  longKeyOf,
  partitionOf,
  tableNames,
  tablesOf,
} from '../../src/postgres/names.ts'

const text = fc.oneof(
  fc.string({ unit: fc.constantFrom('\0', '\u0001', '\u0002', 'a', 'é', '😀', '\uffff') }),
  fc.string({ unit: 'binary' }),
)
const order = (a: string, b: string) => Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)))

describe('keys as texts of PostgreSQL', () => {
  it('come back as they were, and hold no U+0000', () => {
    fc.assert(
      fc.property(text, (key) => {
        expect(encodeKey(key)).not.toContain('\0')
        expect(decodeKey(encodeKey(key))).toBe(key)
      }),
    )
  })

  it('keep the order of their bytes', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(order(encodeKey(a), encodeKey(b))).toBe(order(a, b))
      }),
    )
  })

  it('are left alone where nothing must be escaped', () => {
    expect([encodeKey('users#é😀'), encodeKey('a\0b\u0001')]).toEqual([
      'users#é😀',
      'a\u0001\u0001b\u0001\u0002',
    ])
  })
})

describe('partition keys in the index', () => {
  it('stand there themselves up to 512 bytes, by their hash from there on', () => {
    for (const pk of ['p', 'x'.repeat(512), 'é'.repeat(256), '\0'.repeat(256)])
      expect([partitionOf(pk), longKeyOf(pk, partitionOf(pk))]).toEqual([encodeKey(pk), null])
    for (const pk of ['x'.repeat(513), 'é'.repeat(257), '\0'.repeat(257)]) {
      expect(partitionOf(pk).slice(0, 2)).toBe('\u0001#')
      expect(partitionOf(pk).slice(2)).toMatch(/^[0-9a-f]{64}$/)
      expect(longKeyOf(pk, partitionOf(pk))).toBe(encodeKey(pk))
    }
  })

  it('are distinct, also from a key that looks like a hash', () => {
    const long = ['x', 'y'].map((end) => 'x'.repeat(2000) + end)
    const keys = [...long, partitionOf(long[0]!), '\u0001#']
    expect(new Set(keys.map(partitionOf)).size).toBe(keys.length)
    expect(longKeyOf(keys[2]!, partitionOf(keys[2]!))).toBeNull()
  })

  it('fit an entry of an index with the longest sort key', () => {
    const bytes = (key: string) => Buffer.byteLength(key)
    const longest = Math.max(
      ...['x', 'é', '\0'].map((unit) => bytes(partitionOf(unit.repeat(2048 / bytes(unit))))),
    )
    expect(Math.max(longest, 512) + bytes(encodeKey('\0'.repeat(1024)))).toBeLessThan(2650)
  })
})

describe('tables', () => {
  it('are named with a schema or without', () => {
    expect(tablesOf('lockrow')).toMatchObject({
      rows: '"lockrow"',
      tokens: '"lockrow_tokens"',
      meta: '"lockrow_meta"',
    })
    expect(tablesOf('App.rows')).toMatchObject({
      rows: '"App"."rows"',
      meta: '"App"."rows_meta"',
      expiryIndex: '"rows_ttl"',
    })
  })

  it.each(['', 'a b', '1a', 'a"b', 'a.b.c', '.a', 'a.', 'x'.repeat(56)])('are not named %j', (name) => {
    expect(tableNames.test(name)).toBe(false)
  })
})
