import { describe, expect, it } from 'vitest'
import { clean, fromJson, render, tableOf, toJson } from '../../src/cli/format.ts'

describe('JSON with tags', () => {
  it.each<[unknown, string]>([
    [2n ** 60n, '{"$bigint":"1152921504606846976"}'],
    [-5n, '{"$bigint":"-5"}'],
    [new Uint8Array([1, 2]), '{"$bytes":"AQI="}'],
    [new Uint8Array(), '{"$bytes":""}'],
    [new Set(['a', 'b']), '{"$set":["a","b"]}'],
    [new Set([1n, 2n]), '{"$set":[{"$bigint":"1"},{"$bigint":"2"}]}'],
    [{ deep: [{ n: 1n }] }, '{"deep":[{"n":{"$bigint":"1"}}]}'],
    // Data that looks like a tag, and like the escape of one.
    [{ $set: [1] }, '{"$$set":[1]}'],
    [{ $$bigint: 'x' }, '{"$$$bigint":"x"}'],
    [{ $set: [1], other: 2 }, '{"$set":[1],"other":2}'],
    [{ $ref: 1 }, '{"$ref":1}'],
    [{ $bytes: { $set: [1n] } }, '{"$$bytes":{"$$set":[{"$bigint":"1"}]}}'],
  ])('%o goes in as it came out', (value, text) => {
    expect(toJson(value)).toBe(text)
    expect(fromJson(text)).toStrictEqual(value)
    expect(fromJson(toJson(value, 2))).toStrictEqual(value)
  })

  it.each([
    '{"$bigint":1}',
    '{"$bigint":"1.5"}',
    '{"$bigint":""}',
    '{"$bytes":"AQI"}',
    '{"$bytes":"A?I="}',
    '{"$bytes":[1]}',
    '{"$set":"a"}',
    '{"$set":{"a":1}}',
  ])('%s is refused, with an example', (text) => {
    expect(() => fromJson(text)).toThrow(/^\{"\$\w+"\} needs .+: \{"\$/)
  })

  it('no character of the data controls a terminal, and none is lost', () => {
    const text = 'a\u0000\u001b\u007f\u0085\u009b31m\u200e\u200f\u061c\u202e\u2066\u2069\u2028z'
    const json = toJson({ [text]: text })
    expect(json).toMatch(/^[ -~]*$/)
    expect(fromJson(json)).toEqual({ [text]: text })
    expect(toJson({ a: 'é👍🏽' })).toBe('{"a":"é👍🏽"}')
  })
})

describe('text for people', () => {
  it('shows what a terminal would obey', () => {
    expect(clean('a\u001b[31m\u007f\u009b\u202e\u2067b\n')).toBe('a\\x1b[31m\\x7f\\x9b\\u202e\\u2067b\\x0a')
    expect(clean('é 👍🏽 ñ')).toBe('é 👍🏽 ñ')
    for (const colours of [true, false])
      expect(render([{ style: 'red', text: '\u009b' }, '\u202e'], colours)).toContain('\\x9b')
  })

  it('has colours only where they are wanted', () => {
    expect(render([{ style: 'red', text: 'lockrow:' }, ' no'], true)).toBe('\u001b[31mlockrow:\u001b[39m no')
    expect(render([{ style: 'red', text: 'lockrow:' }, ' no'], false)).toBe('lockrow: no')
  })
})

describe('a table', () => {
  const lines = (width: number, headings: string[], ...rows: string[][]) =>
    tableOf(headings, rows, width).map((line) => render(line, false))

  it('leaves out empty columns, and shows the last one', () => {
    expect(lines(80, ['sk', 'group', 'data'], ['a', '', '1'], ['b', '', '2'])).toEqual([
      'sk  data',
      'a   1',
      'b   2',
    ])
    expect(lines(80, ['sk', 'data'], ['a', ''])).toEqual(['sk  data', 'a'])
  })

  it('shows data also on a narrow terminal, whatever stands before it', () => {
    const long = 'x'.repeat(100)
    for (const width of [40, 80, 200]) {
      const shown = lines(
        width,
        ['sk', 'reason', 'data'],
        [long, long, '{"a":1}'],
        ['b', 'r', 'y'.repeat(300)],
      )
      expect(shown[1]).toMatch(/ {2}\{"a":1\}$/)
      expect(shown[2]).toMatch(/y{19,}…$/)
      for (const line of shown) expect(line.length).toBeLessThanOrEqual(width)
    }
  })

  it('shortens the names of the rows last', () => {
    const sk = '01K9ZQ5N8Q2G6R1X7T3V4W5Y6Z'
    const [, row] = lines(
      80,
      ['sk', 'from', 'reason', 'data'],
      [sk, 'orders', 'r'.repeat(60), 'd'.repeat(60)],
    )
    expect(row).toMatch(new RegExp(`^${sk}  orders {2}r+…  d{19}…$`))
    expect(row).toHaveLength(80)
  })

  it('is cut nowhere when it goes to a file', () => {
    const long = 'x'.repeat(500)
    expect(lines(Number.POSITIVE_INFINITY, ['sk', 'data'], [long, long])[1]).toBe(`${long}  ${long}`)
  })
})
