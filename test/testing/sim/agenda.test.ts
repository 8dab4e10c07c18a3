import { expect, test } from 'vitest'
import { Random } from '../../../src/testing/random.ts'
import { Agenda } from '../../../src/testing/sim/agenda.ts'

test('what happens first comes first, whatever the order in which it was planned', () => {
  const random = new Random(1)
  const agenda = new Agenda()
  const planned = Array.from({ length: 500 }, () => ({
    at: random.int(50),
    tie: random.next(),
    run: () => {},
  }))
  const told: [number, number][] = []
  // Some leave while others still come.
  for (const one of planned.slice(0, 300)) agenda.add(one)
  expect(agenda.size).toBe(300)
  const first = agenda.next()!
  expect(first.at).toBe(Math.min(...planned.slice(0, 300).map(({ at }) => at)))
  for (const one of planned.slice(300)) agenda.add(one)
  for (let next = agenda.next(); next; next = agenda.next()) told.push([next.at, next.tie])
  expect(told).toHaveLength(499)
  expect(told).toEqual(told.toSorted(([a, i], [b, j]) => a - b || i - j))
  expect([agenda.size, agenda.next()]).toEqual([0, undefined])
})
