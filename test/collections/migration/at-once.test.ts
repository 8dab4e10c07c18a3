import { expect, test } from 'vitest'
import { eachAtOnce, ownSignal } from '../../../src/collections/migration/at-once.ts'

test('a few at a time, in order; an error waits for what is under way', async () => {
  const seen: number[] = []
  let running = 0
  let most = 0
  const all = [1, 2, 3, 4, 5, 6, 7]
  const work = async (one: number) => {
    most = Math.max(most, ++running)
    await new Promise((resolve) => setImmediate(resolve))
    running--
    seen.push(one)
    if (one === 2) throw new Error('two')
  }
  await expect(eachAtOnce(3, all, work)).rejects.toThrow('two')
  expect([most, running]).toEqual([3, 0])
  expect(seen.toSorted()).toEqual(all)
})

test('a signal of its own ends with the given one', () => {
  const given = new AbortController()
  const own = ownSignal(given.signal)
  given.abort('over')
  expect([own.aborted, own.reason]).toEqual([true, 'over'])
})
