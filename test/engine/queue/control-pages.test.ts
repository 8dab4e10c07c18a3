import { expect, test } from 'vitest'
import { newContext } from '../../../src/engine/context.ts'
import type { Pull } from '../../../src/engine/queue/claim.ts'
import { Control } from '../../../src/engine/queue/control.ts'
import { isPausedAfter, withoutControl } from '../../../src/engine/queue/control-pages.ts'
import { MemoryStorage } from '../../../src/memory/storage.ts'
import { Machine } from '../../setup/machine.ts'

const key = { pk: 'jobs', sk: '~control' }
const message = { pk: 'jobs', sk: '01A', n: 0 }
const controlRow = { ...key, paused: 2e12 }

function setUp(of = key) {
  const machine = new Machine(1e12)
  const storage = new MemoryStorage(machine)
  const control = new Control(of)
  const pull = { control, context: newContext(storage, { runtime: machine }) } as unknown as Pull
  const isKnown = () => control.isFresh(machine.mono)
  return { machine, storage, control, pull, isKnown }
}

test('a page that shows the control row gives it away, and the messages remain', () => {
  const { control, pull, isKnown } = setUp()
  const page = { rows: [message, controlRow], next: '~control' }
  expect(withoutControl(pull, { pk: 'jobs' }, page)).toEqual({ rows: [message], next: '~control' })
  expect([isKnown(), control.pausedUntil(1e12)]).toEqual([true, 2e12])
})

test('a page that passes its place without it shows that there is none', () => {
  for (const next of [undefined, '~later']) {
    const { control, pull, isKnown } = setUp()
    control.note(controlRow, Number.NEGATIVE_INFINITY)
    const page = { rows: [message], ...(next && { next }) }
    expect(withoutControl(pull, { pk: 'jobs' }, page)).toBe(page)
    expect([isKnown(), control.pausedUntil(1e12)]).toEqual([true, undefined])
  }
})

test.each([
  ['ends before it', {}, { rows: [message], next: '01A' }],
  ['ends at its place', {}, { rows: [message], next: '~control' }],
  ['begins behind it', { after: '~later' }, { rows: [] }],
  ['begins at its place', { after: '~control' }, { rows: [] }],
])('a page that %s says nothing of it', (_, range, page) => {
  const { pull, isKnown } = setUp()
  expect(withoutControl(pull, { pk: 'jobs', ...range }, page)).toBe(page)
  expect(isKnown()).toBe(false)
})

test('of a shard, or a queue whose control row lies elsewhere, a page says nothing', () => {
  for (const [of, pk] of [
    [key, 'another'],
    [{ pk: 'jobs', sk: 'control' }, 'jobs'],
  ] as const) {
    const { pull, isKnown } = setUp(of)
    expect(withoutControl(pull, { pk }, { rows: [] })).toEqual({ rows: [] })
    expect(isKnown()).toBe(false)
  }
})

test('whether it is paused is asked where no page has shown it', async () => {
  const { machine, storage, pull, control } = setUp()
  await storage.write([{ put: { ...key, paused: machine.wall + 1000 } }])
  expect(await isPausedAfter(pull)).toBe(true)
  machine.pass(1000)
  expect(await isPausedAfter(pull)).toBe(false)
  control.note({ ...key, paused: 2e12 }, machine.mono)
  expect(await isPausedAfter(pull)).toBe(true)
})
