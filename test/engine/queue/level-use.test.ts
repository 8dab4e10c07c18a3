import { expect, test } from 'vitest'
import { LevelUse } from '../../../src/engine/queue/level-use.ts'

const held = () => false

test('of sixteen messages twelve are high, three normal, one low, wherever a pull begins', () => {
  const use = new LevelUse()
  for (let begin = 0; begin < 16; begin++) {
    expect(Object.fromEntries(use.shares(16))).toEqual({ high: 12, normal: 3, low: 1 })
    expect(Object.fromEntries(use.shares(48))).toEqual({ high: 36, normal: 9, low: 3 })
    use.advance(1)
  }
  const given: string[] = []
  for (let i = 0; i < 32; i++) {
    given.push(...use.shares(1).keys())
    use.advance(1)
  }
  expect(given.slice(0, 5)).toEqual(['high', 'high', 'high', 'high', 'normal'])
  expect(given.indexOf('low')).toBe(15)
})

test('normal ones alone are nothing to ask for by itself; what nobody has for ten minutes is forgotten', () => {
  const use = new LevelUse()
  use.note('normal', 0)
  expect(use.known).toEqual([])
  use.note('low', 0)
  expect(use.known).toEqual(['normal', 'low'])
  use.retire(600_000, held)
  expect(use.known).toEqual(['normal', 'low'])
  use.retire(600_001, (one) => one === 'low')
  expect(use.known).toEqual(['normal', 'low'])
  use.retire(600_001, held)
  expect(use.known).toEqual([])
})

test('one that was found empty is asked for again after half of the time since, a second at the latest', () => {
  const use = new LevelUse()
  use.note('high', 0)
  expect(use.isWorthAsking('high', 0)).toBe(true)
  expect(use.isWorthAsking('low', 0)).toBe(false)
  use.asked('high', 0, 1, false)
  expect([use.isWorthAsking('high', 99), use.isWorthAsking('high', 100)]).toEqual([false, true])
  use.asked('high', 10_000, 0, false)
  expect([use.isWorthAsking('high', 10_999), use.isWorthAsking('high', 11_000)]).toEqual([false, true])
  use.note('high', 10_001)
  expect(use.isWorthAsking('high', 10_002)).toBe(true)
})
