import { expect, it } from 'vitest'
import { Troubles } from '../../src/console/troubles.ts'

it('each trouble is told once, and its end once', () => {
  const told: unknown[] = []
  const troubles = new Troubles({ onTrouble: (message) => told.push(message) })
  troubles.over()
  expect(troubles.told(new Error('a'))).toBe('a')
  troubles.told(new Error('a'))
  troubles.told(new Error('b'))
  troubles.over()
  troubles.over()
  expect(told).toEqual(['a', 'b', undefined])
  expect(troubles.told(new DOMException('x', 'TimeoutError'))).toMatch(/did not answer in time/)
  expect(new Troubles({}).told('text')).toBe('text')
})
