import { field, InvalidInput } from 'lockrow'
import { expect, test } from 'vitest'
import { conditionPath } from '../../src/contract/conditions.ts'
import { toGuard } from '../../src/model/parse-condition.ts'

test('a reference has the steps of its path', () => {
  expect(field('a.b[0]')[conditionPath]).toEqual(['a', 'b', 0])
  expect(field(['x.y', 1])[conditionPath]).toEqual(['x.y', 1])
  expect(() => field('a..b')).toThrow(InvalidInput)
})

test('in a condition it is the other field of the item', () => {
  expect(toGuard({ stock: { gte: field('reserved') } })).toEqual({
    op: 'gte',
    left: { path: ['data', 'stock'] },
    right: { path: ['data', 'reserved'] },
  })
})
