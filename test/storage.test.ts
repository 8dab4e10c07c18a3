import { StorageFault } from 'lockrow/backend'
import { expect, test } from 'vitest'

test('a fault has its kind and cause, and is known across copies of the package by its brand', () => {
  const cause = new Error('below')
  const fault = new StorageFault('throttled', 'slow down', cause)
  expect(fault).toMatchObject({ kind: 'throttled', message: 'slow down', name: 'StorageFault', cause })
  const foreign = Object.defineProperty(new Error('x'), Symbol.for('lockrow.storageFault'), { value: true })
  expect(foreign).toBeInstanceOf(StorageFault)
  for (const other of [new Error('x'), null, 'x', {}]) expect(other instanceof StorageFault).toBe(false)
  // What a log shows of it is its text, not its brand.
  expect(Object.keys(fault)).not.toContain('lockrow.storageFault')
})
