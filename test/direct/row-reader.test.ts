import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { outputWithRows } from '../../src/direct/row-reader.ts'
import { decodeRow, encodeRow, type ReadRow } from '../../src/model/attribute-values.ts'

const replyOf = (items: readonly object[], more: object = {}): Buffer =>
  Buffer.from(JSON.stringify({ Count: items.length, Items: items, ScannedCount: 7, ...more }))

/** The same by way of JSON. */
function byJson(body: Buffer): object {
  const { Items, ...rest } = JSON.parse(body.toString()) as { Items: ReadRow[] }
  return { ...rest, Rows: Items.map(decodeRow) }
}

const plainText = fc
  .string({ unit: 'grapheme-ascii', maxLength: 30 })
  .map((text) => text.replaceAll(/["\\]/g, '.'))
const anyText = fc.oneof(plainText, fc.string({ unit: 'binary' }))
const anyValue = (text: fc.Arbitrary<string>, others: fc.Arbitrary<unknown>[] = []) =>
  fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      text,
      fc.integer(),
      fc.integer().map((n) => n / 64),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(text, tie('value'), { maxKeys: 4 }),
      ...others,
    ),
  })).value
const rowsOf = (value: fc.Arbitrary<unknown>) =>
  fc.array(
    fc.record({
      pk: fc.constant('p'),
      sk: plainText,
      data: value,
      ttl: fc.option(fc.nat(), { nil: undefined }),
    }),
    {
      maxLength: 6,
    },
  )

describe('outputWithRows', () => {
  it('reads plain rows as JSON and its decoding do', () => {
    fc.assert(
      fc.property(rowsOf(anyValue(plainText.filter((text) => text !== '__proto__'))), (rows) => {
        const body = replyOf(rows.map(encodeRow), { LastEvaluatedKey: { pk: { S: 'p' }, sk: { S: 's' } } })
        expect(outputWithRows(body)).toEqual(byJson(body))
      }),
      { numRuns: 300 },
    )
  })

  it('reads a batch from a table of any name as JSON and its decoding do', () => {
    // They are also names of fields, of what stands beside the rows too.
    const table = fc.oneof(
      fc.constantFrom('Items', 'Responses', 'UnprocessedKeys', 'ConsumedCapacity', 'Keys', 'pk'),
      fc.stringMatching(/^[\w.-]{3,20}$/),
    )
    const plain = rowsOf(anyValue(plainText.filter((text) => text !== '__proto__')))
    fc.assert(
      fc.property(table, plain, plain, fc.boolean(), (name, rows, undone, isLast) => {
        const Responses = { [name]: rows.map(encodeRow) }
        const UnprocessedKeys = undone.length > 0 ? { [name]: { Keys: undone.map(encodeRow) } } : {}
        const ConsumedCapacity = [{ TableName: name, CapacityUnits: 1 }]
        const reply = isLast
          ? { UnprocessedKeys, ConsumedCapacity, Responses }
          : { ConsumedCapacity, Responses, UnprocessedKeys }
        const { Responses: _, ...rest } = JSON.parse(JSON.stringify(reply))
        expect(outputWithRows(Buffer.from(JSON.stringify(reply)))).toEqual({
          ...rest,
          Rows: Responses[name]!.map((row) => decodeRow(row as ReadRow)),
        })
      }),
      { numRuns: 300 },
    )
  })

  it('of other rows reads the same, or nothing', () => {
    const others = [
      fc.uint8Array({ maxLength: 5 }),
      fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 3 }).map((members) => new Set(members)),
      fc.bigInt({ min: 2n ** 53n, max: 2n ** 100n }),
    ]
    fc.assert(
      fc.property(rowsOf(anyValue(anyText, others)), (rows) => {
        const body = replyOf(rows.map(encodeRow))
        expect([undefined, byJson(body)]).toContainEqual(outputWithRows(body))
      }),
      { numRuns: 300 },
    )
  })

  it('keeps what stands beside the rows, before and behind them', () => {
    const ConsumedCapacity = { TableName: 't', CapacityUnits: 0.5 }
    const body = Buffer.from(JSON.stringify({ ConsumedCapacity, Items: [{ pk: { S: 'a' } }], Count: 1 }))
    expect(outputWithRows(body)).toEqual({ ConsumedCapacity, Rows: [{ pk: 'a' }], Count: 1 })
  })

  it('reads the rows of a batch from one table, with what was left undone', () => {
    const UnprocessedKeys = { t: { Keys: [{ pk: { S: 'a' }, sk: { S: 'c' } }] } }
    const rows = [{ pk: 'a', sk: 'b', data: { Responses: [1], Items: ['x'] } }]
    const Responses = { t: rows.map(encodeRow) }
    for (const reply of [
      { Responses, UnprocessedKeys },
      { UnprocessedKeys, Responses },
    ])
      expect(outputWithRows(Buffer.from(JSON.stringify(reply)))).toEqual({ Rows: rows, UnprocessedKeys })
    // A table may have any name.
    const ofIts = {
      UnprocessedKeys: { Responses: UnprocessedKeys.t },
      Responses: { Responses: rows.map(encodeRow) },
    }
    const { Rows } = outputWithRows(Buffer.from(JSON.stringify(ofIts)))!
    expect(Rows).toEqual(rows)
    const none = { Responses: { t: [] }, UnprocessedKeys: {} }
    expect(outputWithRows(Buffer.from(JSON.stringify(none)))).toEqual({ Rows: [], UnprocessedKeys: {} })
    const two = { Responses: { ...Responses, u: [] } }
    expect(outputWithRows(Buffer.from(JSON.stringify(two)))).toBeUndefined()
  })

  it('takes names of the row before only where they are the whole name', () => {
    const items = [
      { pk: { S: 'a' }, data: { M: { ab: { N: '1' }, c: { N: '2' } } } },
      { pk: { S: 'a' }, data: { M: { a: { N: '1' }, abc: { N: '2' }, c: { N: '3' } } } },
      { data: { M: {} }, pk: { S: 'a' } },
    ]
    const body = replyOf(items)
    expect(outputWithRows(body)).toEqual(byJson(body))
  })

  it.each([
    ['an escape', '{"Items":[{"pk":{"S":"a\\nb"}}]}'],
    ['other characters', '{"Items":[{"pk":{"S":"ä"}}]}'],
    ['spaces', '{"Items": [{"pk":{"S":"a"}}]}'],
    ['spaces inside', '{"Items":[{"pk": {"S":"a"}}]}'],
    [
      'a number that JS cannot show',
      '{"Items":[{"n":{"N":"1234567890123456789012345"}},{"n":{"N":"0.1234567890123456789"}}]}',
    ],
    ['a name that is special', '{"Items":[{"__proto__":{"S":"a"}}]}'],
    ['bytes', '{"Items":[{"b":{"B":"AAAA"}}]}'],
    ['sets', '{"Items":[{"s":{"SS":["a"]}}]}'],
    ['no rows', '{"Count":7}'],
    ['half of it', '{"Items":[{"pk":{"S":"a"}}'],
    ['half of a text', '{"Items":[{"pk":{"S":"a'],
    ['another type', '{"Items":[{"pk":{"X":"a"}}]}'],
    ['two types', '{"Items":[{"pk":{"S":"a","N":"1"}}]}'],
    ['no value', '{"Items":[{"pk":"a"}]}'],
    ['a list that is none', '{"Items":[{"pk":{"L":{}}}]}'],
    ['too many commas', '{"Items":[{"pk":{"S":"a"},}]}'],
    ['a truth that is none', '{"Items":[{"pk":{"BOOL":1}}]}'],
  ])('leaves a reply with %s to JSON', (_, text) => {
    expect(outputWithRows(Buffer.from(text))).toBeUndefined()
  })

  it('leaves bytes that are no UTF-8 to JSON', () => {
    expect(outputWithRows(Buffer.from('{"Items":[{"pk":{"S":"\xff"}}]}', 'latin1'))).toBeUndefined()
  })

  it('gives texts that do not keep the reply in memory, long ones too', () => {
    const rows = [{ pk: 'a', sk: 'x'.repeat(12), data: 'y'.repeat(13), more: 'z'.repeat(5000) }]
    const body = replyOf(rows.map(encodeRow))
    const output = outputWithRows(body)
    // A view of the buffer would change with it.
    body.fill(0)
    expect(output?.Rows).toEqual(rows)
  })
})
