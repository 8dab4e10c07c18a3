import { expect, test } from 'vitest'
import { newContext } from '../../../src/engine/context.ts'
import { Control, controlOf, knowControl, readControl } from '../../../src/engine/queue/control.ts'
import { maxQueues } from '../../../src/engine/queue/in-flight.ts'
import { MemoryStorage } from '../../../src/memory/storage.ts'
import { Machine } from '../../setup/machine.ts'

const key = { pk: 'jobs', sk: '~control' }

function setUp() {
  const machine = new Machine(1e12)
  const storage = new MemoryStorage(machine)
  const reads: (boolean | undefined)[] = []
  const read = storage.read.bind(storage)
  storage.read = async (keys, options?: { consistent?: boolean }) => {
    reads.push(options?.consistent)
    return read(keys)
  }
  const context = newContext(storage, { runtime: machine })
  return { machine, storage, reads, context, control: new Control(key) }
}

test('a queue is paused until the time in its row', () => {
  const { control } = setUp()
  expect(control.pausedUntil(0)).toBe(undefined)
  control.note({ ...key, paused: 500 }, 0)
  expect([control.pausedUntil(499), control.pausedUntil(500)]).toEqual([500, undefined])
  control.note({ ...key, paused: 'for ever' }, 0)
  expect(control.pausedUntil(0)).toBe(undefined)
  control.note(undefined, 0)
  expect(control.pausedUntil(0)).toBe(undefined)
})

test('promises only grow, whatever an old read says', () => {
  const { control } = setUp()
  expect(control.promiseOf('scheduled')).toBe(0)
  control.note({ ...key, scheduled: 50, name: 'x' }, 0)
  control.promised('scheduled', 40)
  control.note({ ...key, scheduled: 30 }, 0)
  control.note(undefined, 0)
  expect([control.promiseOf('scheduled'), control.promiseOf('name')]).toEqual([50, 0])
  control.promised('scheduled', 60)
  expect(control.promiseOf('scheduled')).toBe(60)
})

test('what was read is fresh for four seconds', () => {
  const { control } = setUp()
  expect(control.isFresh(0)).toBe(false)
  control.note(undefined, 100)
  expect([control.isFresh(4099), control.isFresh(4100)]).toEqual([true, false])
  expect([control.isFresh(199, 100), control.isFresh(200, 100)]).toEqual([true, false])
})

test('the row is read where that was too long ago, eventually consistent unless told otherwise', async () => {
  const { machine, storage, reads, context, control } = setUp()
  await storage.write([{ put: { ...key, scheduled: 7 } }])
  await knowControl(context, control)
  await knowControl(context, control)
  machine.pass(3999)
  await knowControl(context, control)
  expect([reads, control.promiseOf('scheduled')]).toEqual([[false], 7])
  machine.pass(1)
  await knowControl(context, control)
  await readControl(context, control, true)
  expect(reads).toEqual([false, false, true])
})

test('a queue that is known to be paused is asked for after half a second', async () => {
  const { machine, storage, reads, context, control } = setUp()
  await storage.write([{ put: { ...key, paused: machine.wall + 60_000 } }])
  await knowControl(context, control)
  machine.pass(499)
  await knowControl(context, control)
  expect(reads).toHaveLength(1)
  machine.pass(1)
  await knowControl(context, control)
  expect(reads).toHaveLength(2)
})

test('each queue of each database has its own, and the oldest is forgotten', () => {
  const { context } = setUp()
  const first = controlOf(context, key)
  expect([controlOf(context, { ...key }), first.key]).toEqual([first, key])
  expect(controlOf(setUp().context, key)).not.toBe(first)
  for (let i = 1; i < maxQueues; i++) controlOf(context, { ...key, pk: `q${i}` })
  expect(controlOf(context, key)).toBe(first)
  controlOf(context, { ...key, pk: 'one more' })
  expect(controlOf(context, key)).not.toBe(first)
})
