import { Throttled } from 'lockrow'
import { leftUndone } from 'lockrow/backend'
import { expect, test } from 'vitest'
import { newContext } from '../../src/engine/context.ts'
import { readRange, readRows, readTogether, writeRows } from '../../src/engine/requests.ts'
import { MemoryStorage } from '../../src/memory/storage.ts'
import { Machine } from '../setup/machine.ts'

const a = { pk: 'p', sk: 'a' }
const b = { pk: 'p', sk: 'b' }

/** A storage that tells what it was asked, and leaves `undone` requests undone. */
function setUp({ undone = 0, attempts = 10 } = {}) {
  const machine = new Machine(1e12)
  const rows = new MemoryStorage(machine)
  const asked: unknown[][] = []
  const storage = {
    read: async (keys: never, options: { consistent?: boolean; attempt?: number }) => {
      asked.push(['read', options.consistent, options.attempt])
      return undone-- > 0 ? [leftUndone] : rows.read(keys)
    },
    readTogether: (keys: never) => {
      asked.push(['readTogether'])
      return rows.readTogether(keys)
    },
    page: (range: never, options: { consistent?: boolean }) => {
      asked.push(['page', options.consistent])
      return rows.page(range)
    },
    write: async (writes: never[]) => {
      asked.push(['write', writes.length])
      return undone-- > 0 ? writes : rows.write(writes)
    },
  }
  const context = newContext(storage as never, { runtime: machine, retry: { attempts } })
  return { rows, asked, context }
}

test('one row, several rows, rows of one moment and a page', async () => {
  const { rows, asked, context } = setUp()
  await rows.write([{ put: b }])
  expect(await readRows(context, [a])).toEqual([undefined])
  expect(await readRows(context, [b], false)).toEqual([b])
  expect(await readRows(context, [a, b])).toEqual([undefined, b])
  expect(await readTogether(context, [b, a])).toEqual([b, undefined])
  expect(await readRange(context, { pk: 'p' })).toEqual({ rows: [b] })
  expect(await readRange(context, { pk: 'p' }, false)).toEqual({ rows: [b] })
  expect(asked).toEqual([
    ['read', true, 1],
    ['read', false, 1],
    ['read', true, 1],
    ['readTogether'],
    ['page', true],
    ['page', false],
  ])
})

test('of several writes to one key only the last one is sent; none at all where there is nothing to write', async () => {
  const { rows, asked, context } = setUp()
  await writeRows(context, [])
  await writeRows(context, [{ put: { ...a, n: 1 } }, { put: b }, { put: { ...a, n: 2 } }])
  await writeRows(context, [{ delete: b }])
  expect(await rows.read([a, b])).toEqual([{ ...a, n: 2 }, undefined])
  expect(asked).toEqual([
    ['write', 2],
    ['write', 1],
  ])
})

test('one that was left undone is asked for again, and is refused in the end', async () => {
  const { asked, context } = setUp({ undone: 2 })
  expect(await readRows(context, [a])).toEqual([undefined])
  expect(asked).toEqual([
    ['read', true, 1],
    ['read', true, 2],
    ['read', true, 3],
  ])
  const write = setUp({ undone: 1 })
  await writeRows(write.context, [{ put: a }])
  expect([write.asked.length, await write.rows.read([a])]).toEqual([2, [a]])
  for (const request of [
    (context: never) => readRows(context, [a]),
    (context: never) => writeRows(context, [{ put: a }]),
  ]) {
    const refused = setUp({ undone: 99, attempts: 3 })
    await expect(request(refused.context as never)).rejects.toThrow(Throttled)
    expect(refused.asked).toHaveLength(3)
  }
})
