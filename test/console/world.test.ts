import { InvalidInput } from 'lockrow'
import { expect, it } from 'vitest'
import { keyOf, listOf, numberOf, optionalText, textOf } from '../../src/console/world.ts'

it('what the page sends is checked before it is used', () => {
  expect(textOf({ pk: 'a' }, 'pk')).toBe('a')
  for (const pk of [undefined, '', 5, {}, null]) expect(() => textOf({ pk }, 'pk')).toThrow(InvalidInput)
  expect(optionalText({ pk: '' }, 'pk')).toBeUndefined()
  expect(() => optionalText({ pk: 5 }, 'pk')).toThrow(InvalidInput)
  expect(numberOf({}, 'n', 5, 10)).toBe(5)
  for (const n of [0, 11, 1.5, '5', Number.NaN])
    expect(() => numberOf({ n }, 'n', 5, 10)).toThrow(InvalidInput)
  expect(keyOf({ pk: 'a', sk: 'b', more: 1 })).toEqual({ pk: 'a', sk: 'b' })
  expect(listOf({ l: [{}] }, 'l')).toEqual([{}])
  for (const l of [undefined, [], {}, [1], [null], Array(501).fill({})])
    expect(() => listOf({ l }, 'l')).toThrow(InvalidInput)
})
