import { expect, test } from 'vitest'
import { rowOfImage } from '../../src/model/event-values.ts'

test('no image is no row', () => expect(rowOfImage(undefined)).toBe(undefined))

test('bytes come as Base64 of an event, or as they are, and are copies', () => {
  const bytes = Uint8Array.of(1, 2)
  const image = {
    pk: { S: 'p' },
    sk: { S: 's' },
    data: {
      M: { text: { B: 'AQI=' }, raw: { B: bytes }, set: { BS: ['AQ==', 'Ag=='] }, list: { L: [{ B: '' }] } },
    },
  }
  const data = rowOfImage(image)!.data as Record<string, unknown>
  expect(data).toEqual({
    text: bytes,
    raw: bytes,
    set: new Set([Uint8Array.of(1), Uint8Array.of(2)]),
    list: [Uint8Array.of()],
  })
  bytes[0] = 9
  expect(data.raw).toEqual(Uint8Array.of(1, 2))
})

test('numbers, texts, flags and null, and a field named __proto__ is a field', () => {
  const M = {
    n: { N: '1.5' },
    s: { S: 'x' },
    yes: { BOOL: true },
    none: { NULL: true },
    ['__proto__']: { S: 'y' },
  }
  const data = rowOfImage({ pk: { S: 'p' }, sk: { S: 's' }, data: { M } })!.data as object
  expect(Object.entries(data)).toEqual([
    ['n', 1.5],
    ['s', 'x'],
    ['yes', true],
    ['none', null],
    ['__proto__', 'y'],
  ])
  expect(Object.getPrototypeOf(data)).not.toBe('y')
})
