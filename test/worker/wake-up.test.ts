import { expect, test } from 'vitest'
import type { QueueWorkerEvent } from '../../src/worker/events.ts'
import { listen } from '../../src/worker/wake-up.ts'

test('a wake-up hears which queue is waited for, and is ended by what it returned', () => {
  const calls: unknown[] = []
  const wake = () => calls.push('woken')
  const stop = listen(
    (ring, queue) => {
      calls.push(queue)
      ring()
      return () => calls.push('ended')
    },
    { pk: 'jobs' },
    wake,
  )
  expect(calls).toMatchObject([{ pk: 'jobs' }, 'woken'])
  stop()
  expect(calls).toMatchObject([{ pk: 'jobs' }, 'woken', 'ended'])
  listen((_, queue) => void calls.push(queue), { family: 'mail-' }, wake)()
  expect(calls.at(-1)).toEqual({ pk: 'mail-', isFamily: true })
})

test('without one, or without an end, there is nothing to end', () => {
  for (const wakeUp of [undefined, () => undefined, () => 'soon' as never])
    expect(() => listen(wakeUp, { pk: 'jobs' }, () => {})()).not.toThrow()
})

test('one that throws is told, and leaves the worker with its looks', () => {
  const events: QueueWorkerEvent[] = []
  const error = new Error('no connection')
  const options = { pk: 'jobs', onEvent: (event: QueueWorkerEvent) => events.push(event) }
  const stop = listen(
    () => {
      throw error
    },
    options,
    () => {},
  )
  expect(events).toEqual([{ type: 'error', error }])
  expect(stop).not.toThrow()
  const failing = () => () => {
    throw error
  }
  expect(listen(failing, options, () => {})).not.toThrow()
})
