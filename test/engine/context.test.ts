import { AtomicMemoryDb, InvalidInput } from 'lockrow'
import { AtomicEngine } from 'lockrow/backend'
import { expect, test } from 'vitest'
import { newContext, nowSeconds } from '../../src/engine/context.ts'
import { MemoryStorage } from '../../src/memory/storage.ts'
import { systemRuntime } from '../../src/runtime.ts'
import { Machine } from '../setup/machine.ts'

const storage = new MemoryStorage(systemRuntime)

test('without options the clock is that of the system, and nothing bounds a call', () => {
  const context = newContext(storage, {})
  expect(context).toMatchObject({ storage, runtime: systemRuntime, retry: {} })
  expect([context.timeoutMs, context.onEvent, context.cursorSecret]).toEqual([
    undefined,
    undefined,
    undefined,
  ])
  expect(context.call.left).toBe(Number.POSITIVE_INFINITY)
  expect(Object.isFrozen(context)).toBe(true)
})

test('options are taken as given; each database remembers for itself', () => {
  const runtime = new Machine(1_999_999)
  const options = {
    runtime,
    timeoutMs: 5,
    onEvent: () => {},
    cursorSecret: 'a secret of some length',
    retry: { attempts: 2 },
  }
  const context = newContext(storage, options)
  expect(context).toMatchObject(options)
  expect(newContext(storage, options).database).not.toBe(context.database)
  expect(nowSeconds(context)).toBe(1999)
})

test('ids differ, and ULIDs grow within a process', () => {
  const { id, ulid } = newContext(storage, {})
  expect(new Set([id(), id(), id()]).size).toBe(3)
  const ulids = [ulid(), ulid(), ulid()]
  expect(ulids.toSorted()).toEqual(ulids)
  expect(new Set(ulids).size).toBe(3)
})

test.each([
  [{ maxAttempts: 3 }, /use 'retry: \{ attempts \}'/],
  [{ timeout: 3 }, /use 'timeoutMs'/],
  [{ timeoutMs: 0 }, /timeoutMs/],
  [{ onEvent: 'log' }, /onEvent/],
  [{ cursorSecret: 'short' }, /cursorSecret/],
  [{ retry: { attempts: 0 } }, /retry\.attempts/],
])('%j is refused by name', (options, text) => {
  expect(() => new AtomicEngine(storage, options as never)).toThrow(text)
  expect(() => new AtomicMemoryDb(options as never)).toThrow(InvalidInput)
})

test.each([null, undefined, 5])('%j is no storage', (given) => {
  expect(() => newContext(given as never, {})).toThrow(/storage/)
})
