import { expect, test } from 'vitest'
import { packTraceparent, traceparentBytes, unpackTraceparent } from '../../src/model/traceparent.ts'

const text = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

test('26 bytes and back, also of a view into a larger buffer', () => {
  const packed = packTraceparent(text, 'traceparent')
  expect(packed).toHaveLength(26)
  expect(unpackTraceparent(packed)).toBe(text)
  const larger = new Uint8Array(40)
  larger.set(packed, 7)
  expect(unpackTraceparent(larger.subarray(7, 33))).toBe(text)
  // With the name of its attribute.
  expect(traceparentBytes).toBe(27)
})

test.each([
  7,
  undefined,
  '',
  text.toUpperCase(),
  `${text}0`,
  text.replace('00-', 'ff-'),
  text.replace('4bf92f3577b34da6a3ce929d0e0e4736', '0'.repeat(32)),
  text.replace('00f067aa0ba902b7', '0'.repeat(16)),
])('%s is none', (given) => {
  expect(() => packTraceparent(given, 'item.traceparent')).toThrow(
    expect.objectContaining({ code: 'InvalidInput', field: 'item.traceparent' }),
  )
})

test.each([text, undefined, new Uint8Array(26), new Uint8Array(25)])(
  'what another program wrote: %o',
  (given) => {
    expect(unpackTraceparent(given)).toBe(undefined)
  },
)
