import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { follow, orAborted, sharedController } from '../../src/worker/signals.ts'

const reason = new Error('enough')

test('a controller follows a signal, with its reason, until it is told to stop', () => {
  const [first, second] = [new AbortController(), new AbortController()]
  const source = new AbortController()
  const [stop] = [follow(first, source.signal), follow(second, source.signal)]
  stop()
  source.abort(reason)
  expect([first.signal.aborted, second.signal.reason]).toEqual([false, reason])
  expect(getEventListeners(source.signal, 'abort')).toHaveLength(0)
  const late = new AbortController()
  follow(late, source.signal)
  expect(late.signal.reason).toBe(reason)
})

test('work ends with the first signal, and leaves no listener behind', async () => {
  const [a, b] = [sharedController(), sharedController()]
  const never = new Promise(() => {})
  const ended = orAborted(never, a.signal, b.signal)
  b.abort(reason)
  await expect(ended).rejects.toBe(reason)
  await expect(orAborted(never, b.signal)).rejects.toBe(reason)
  const c = sharedController()
  expect(await orAborted(Promise.resolve(7), c.signal)).toBe(7)
  await Promise.resolve()
  expect(getEventListeners(c.signal, 'abort')).toHaveLength(0)
})
