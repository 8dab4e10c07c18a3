import { expect, test } from 'vitest'
import { Random } from '../../src/testing/random.ts'

const drawn = (seed: number | string, count = 20) => {
  const random = new Random(seed)
  return Array.from({ length: count }, () => random.next())
}

test('one seed is one sequence, on every machine', () => {
  expect(drawn(1)).toEqual(drawn(1))
  expect(drawn(1)).toEqual(drawn('1'))
  expect(drawn(1)).not.toEqual(drawn(2))
  expect(drawn('ab')).not.toEqual(drawn('ba'))
})

test('numbers are spread over their range, and never leave it', () => {
  const random = new Random(7)
  const counts = [0, 0, 0, 0, 0]
  for (let i = 0; i < 10_000; i++) counts[random.int(5)]!++
  for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(200)
  for (let i = 0; i < 1000; i++) {
    const between = random.between(3, 4)
    expect(between >= 3 && between < 4).toBe(true)
  }
  const hits = Array.from({ length: 10_000 }, () => random.chance(0.1)).filter(Boolean).length
  expect(Math.abs(hits - 1000)).toBeLessThan(150)
  expect([random.chance(0), random.chance(1)]).toEqual([false, true])
})

test('a sample is of different elements, at most all of them', () => {
  const random = new Random(3)
  const list = ['a', 'b', 'c', 'd']
  expect(random.sample(list, 9).toSorted()).toEqual(list)
  const two = random.sample(list, 2)
  expect(new Set(two).size).toBe(2)
  expect(list).toContain(random.pick(list))
  expect(list).toHaveLength(4)
})

test('a fork is another sequence, decided by this one', () => {
  const [a, b] = [new Random(1), new Random(1)]
  expect(a.fork().next()).toBe(b.fork().next())
  expect(a.fork().next()).not.toBe(a.fork().next())
})
