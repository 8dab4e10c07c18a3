import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { outageOf } from './run.ts'

/** The short form of `npm run soak`. */
test.each([10, 60, 600])(
  'an outage of %i s, with default settings: nothing is buried, all is handled',
  async (seconds) => {
    for (const kills of [0, 5])
      expect(await outageOf(seconds, 50, kills)).toEqual({ seconds, kills, handled: 50, buried: 0, left: 0 })
  },
)

test('a worker keeps nothing of its messages', () => {
  // In a process of its own: the heap of a test run is full of other things.
  const script = `
    import { memoryOf } from './test/drills/soak/run.ts'
    console.log((await memoryOf(20_000)).bytesPerMessage)`
  const answer = execFileSync(
    process.execPath,
    ['--expose-gc', '--import', 'tsx', '--input-type=module', '--eval', script],
    { encoding: 'utf8', timeout: 60_000 },
  )
  // Of 10,000 messages the noise of the heap is larger than of 250,000.
  expect(Number(answer)).toBeLessThan(60)
})
