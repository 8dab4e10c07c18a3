import { describe, expect, it } from 'vitest'

export const shards = [0, -1, 2.5, Number.NaN, Number.POSITIVE_INFINITY, '3']
export const counts = [0, -1, 2.5, Number.NaN, Number.POSITIVE_INFINITY, '3']
export const durations = [-1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e15, '5', {}]
export const positive = [0, ...durations]

/** What is given, the option that the error must name, and its unit. */
export type Line = [
  what: string,
  act: (value: never) => unknown,
  values: readonly unknown[],
  field: string,
  unit: RegExp,
]

export const flags = ['yes', 1, null, {}]
export const callbacks = ['x', 5, null, {}]
export const signals = ['x', {}, null]

export const ms = /millisecond/
export const seconds = /second/
export const whole = /whole number/
export const flag = /true or false/
export const callback = /function/

/** Each value is refused with an error that names the option and its unit. */
export const describeRefusals = (lines: readonly Line[]): void =>
  describe.each(lines)('%s', (_, act, values, field, unit) => {
    it.each(values.map((value) => [String(value), value]))(`${field}: %s`, async (_, value) => {
      const error = await Promise.resolve()
        .then(() => act(value as never))
        .then(
          () => undefined,
          (thrown) => thrown,
        )
      expect(error).toMatchObject({ code: 'InvalidInput' })
      expect(error.field).toMatch(new RegExp(`(^|\\.)${field.replace(/[.[\]]/g, '\\$&')}$`))
      expect(error.message).toMatch(unit)
    })
  })
