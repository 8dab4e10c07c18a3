import type { Range } from 'lockrow/backend'
import { expect, test } from 'vitest'
import { queryInput } from '../../src/dynamo/query.ts'

const of = (range: Omit<Range, 'pk'>, consistent = true) => queryInput('t', { pk: 'p', ...range }, consistent)
const names = { '#0': 'pk', '#1': 'sk' }

test('a whole partition needs no condition on sk', () => {
  expect(of({})).toEqual({
    TableName: 't',
    KeyConditionExpression: '#0 = :0',
    ConsistentRead: true,
    ExpressionAttributeNames: { '#0': 'pk' },
    ExpressionAttributeValues: { ':0': { S: 'p' } },
  })
  expect(of({}, false).ConsistentRead).toBe(false)
})

test.each<[Omit<Range, 'pk'>, string, string[]]>([
  [{ prefix: 'a' }, '#0 = :0 AND begins_with(#1, :1)', ['p', 'a']],
  [{ from: 'a' }, '#0 = :0 AND #1 >= :1', ['p', 'a']],
  [{ to: 'z' }, '#0 = :0 AND #1 <= :1', ['p', 'z']],
  [{ from: 'a', to: 'z' }, '#0 = :0 AND #1 BETWEEN :1 AND :2', ['p', 'a', 'z']],
])('%j', (range, condition, values) => {
  const input = of(range)
  expect(input.KeyConditionExpression).toBe(condition)
  expect(input.ExpressionAttributeNames).toEqual(names)
  expect(Object.values(input.ExpressionAttributeValues!).map(({ S }) => S)).toEqual(values)
})

test('direction, start and bound', () => {
  expect(of({ reverse: true })).toMatchObject({ ScanIndexForward: false })
  expect(of({ reverse: false })).not.toHaveProperty('ScanIndexForward')
  expect(of({ after: 'm' }).ExclusiveStartKey).toEqual({ pk: { S: 'p' }, sk: { S: 'm' } })
  expect(of({}).ExclusiveStartKey).toBe(undefined)
  expect(of({ limit: 7 }).Limit).toBe(7)
  expect(of({ limit: 2 ** 31 - 1 }).Limit).toBe(2_147_483_647)
  expect(of({ limit: 2 ** 40 }).Limit).toBe(2_147_483_647)
  expect(of({})).not.toHaveProperty('Limit')
})

test('a filter only where one is asked for', () => {
  const input = of({ only: { op: 'absent', path: ['version'] } })
  expect(input.FilterExpression).toBe('attribute_not_exists(#1)')
  expect(input.ExpressionAttributeNames).toEqual({ '#0': 'pk', '#1': 'version' })
})

test('numbers instead of rows, or some paths of the rows with what every reader needs', () => {
  expect(of({ count: true, paths: [['data', 'a']] })).toMatchObject({ Select: 'COUNT' })
  expect(of({ count: true, paths: [['data', 'a']] })).not.toHaveProperty('ProjectionExpression')
  const input = of({ paths: [['data', 'a']] })
  expect(input).not.toHaveProperty('Select')
  expect(input.ProjectionExpression).toBe('#0, #1, #2, #3, #4.#5')
  expect(Object.values(input.ExpressionAttributeNames!)).toEqual(['pk', 'sk', 'ttl', 'version', 'data', 'a'])
})
