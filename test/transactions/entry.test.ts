import { expect, test } from 'vitest'
import { newEntry, runSteps } from '../../src/transactions/entry.ts'

const entry = (ran: string[]) => ({
  ...newEntry({ pk: 'p', sk: 'a' }),
  steps: [
    { needsValue: false, run: () => ran.push('first') },
    { needsValue: true, run: (value?: unknown) => ran.push(`second ${value !== undefined}`) },
    { needsValue: false, run: () => ran.push('third') },
  ],
})

test('steps run in order, and wait for the value that they need', () => {
  const ran: string[] = []
  const waiting = entry(ran)
  runSteps(waiting)
  expect(ran).toEqual(['first'])
  Object.assign(waiting, { value: { item: undefined } })
  runSteps(waiting)
  expect(ran).toEqual(['first', 'second true', 'third'])
  expect(waiting.steps).toEqual([])
})

test('after a read that failed they run without it; the next read may do better', () => {
  const ran: string[] = []
  const failed = Object.assign(entry(ran), { failure: new Error('no') as unknown })
  runSteps(failed)
  expect(ran).toEqual(['first', 'second false', 'third'])
  expect(failed.failure).toBeUndefined()
})
