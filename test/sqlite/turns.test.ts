import { expect, it } from 'vitest'
import { Turns } from '../../src/sqlite/turns.ts'

const busyFor = (ms: number) => {
  for (const until = performance.now() + ms; performance.now() < until; );
}

it('goes on at once, after all that runs now, while the others had their turn a moment ago', async () => {
  const turns = new Turns()
  const order: string[] = []
  setImmediate(() => order.push('immediate'))
  const next = turns.next().then(() => order.push('next'))
  await Promise.resolve()
    .then(() => Promise.resolve())
    .then(() => order.push('microtasks'))
  await next
  expect(order).toEqual(['microtasks', 'next'])
})

it('gives way to timers and sockets every few milliseconds', async () => {
  const turns = new Turns()
  let fired = false
  setTimeout(() => {
    fired = true
  }, 0)
  busyFor(10)
  // Not at each call: a look at the clock takes its time.
  expect(Array.from({ length: 16 }, () => turns.isDue)).toContain(true)
  for (let i = 0; i < 3; i++) {
    busyFor(6)
    await turns.next()
  }
  expect(fired).toBe(true)
  expect(Array.from({ length: 16 }, () => turns.isDue)).not.toContain(true)
})
