import { type RowOperation, StorageFault } from 'lockrow/backend'
import { expect, test } from 'vitest'
import { MemoryStorage } from '../../src/memory/storage.ts'
import { Machine } from '../setup/machine.ts'

const a = { pk: 'p', sk: 'a' }
const b = { pk: 'p', sk: 'b' }
const exists = { op: 'exists', path: ['pk'] } as const
const open = () => {
  const machine = new Machine(1e12)
  return { machine, storage: new MemoryStorage(machine) }
}

test('rows that are read are copies', async () => {
  const { storage } = open()
  await storage.write([{ put: { ...a, data: { n: 1 } } }])
  const [row] = await storage.read([a])
  ;(row!.data as { n: number }).n = 2
  expect(await storage.read([a, b])).toEqual([{ ...a, data: { n: 1 } }, undefined])
  const applied = await storage.apply({
    op: 'update',
    key: a,
    changes: [{ op: 'add', path: ['n'], value: 1 }],
  })
  applied.row!.n = 99
  expect(await storage.readTogether([a])).toEqual([{ ...a, data: { n: 1 }, n: 1 }])
})

test('what is put and deleted is so at once, and a partition without rows is gone', async () => {
  const { storage } = open()
  expect(
    await storage.write([{ put: a }, { put: b }, { delete: a }, { delete: { pk: 'none', sk: 'x' } }]),
  ).toEqual([])
  expect(await storage.page({ pk: 'p' })).toEqual({ rows: [b] })
  await storage.write([{ delete: b }])
  expect(await storage.page({ pk: 'p' })).toEqual({ rows: [] })
  expect((await storage.page({ pk: 'p', count: true })).count).toBe(0)
})

test('a guarded operation gives back the row as it is, or as it was, or the one that failed it', async () => {
  const { storage } = open()
  expect(await storage.apply({ op: 'put', row: { ...a, n: 1 }, guard: exists })).toEqual({ applied: false })
  expect(await storage.apply({ op: 'put', row: { ...a, n: 1 } })).toEqual({
    applied: true,
    row: { ...a, n: 1 },
  })
  expect(await storage.apply({ op: 'put', row: { ...a, n: 2 }, old: true })).toEqual({
    applied: true,
    old: { ...a, n: 1 },
  })
  const other = { op: 'eq', left: { path: ['n'] }, right: { value: 1 } } as const
  expect(await storage.apply({ op: 'delete', key: a, guard: other })).toEqual({
    applied: false,
    row: { ...a, n: 2 },
  })
  expect(await storage.apply({ op: 'delete', key: a, old: true })).toEqual({
    applied: true,
    old: { ...a, n: 2 },
  })
  expect(await storage.apply({ op: 'delete', key: a })).toEqual({ applied: true })
  expect(await storage.read([a])).toEqual([undefined])
})

test('a transaction is applied whole or not at all, and says which guards failed', async () => {
  const { storage } = open()
  await storage.write([{ put: a }])
  const operations: RowOperation[] = [
    { op: 'check', key: a, guard: exists },
    { op: 'delete', key: b, guard: exists },
    { op: 'put', row: { pk: 'q', sk: 'c' } },
  ]
  expect(await storage.transact(operations, 't1')).toEqual([{ index: 1 }])
  expect(await storage.read([{ pk: 'q', sk: 'c' }])).toEqual([undefined])
  await storage.write([{ put: b }])
  // One that failed has left its token unused.
  expect(await storage.transact(operations, 't1')).toEqual([])
  expect(await storage.read([a, b, { pk: 'q', sk: 'c' }])).toEqual([a, undefined, { pk: 'q', sk: 'c' }])
})

test('under one token it is applied once, for ten minutes; other operations are refused', async () => {
  const { machine, storage } = open()
  const add = (value: number): RowOperation[] => [
    { op: 'update', key: a, changes: [{ op: 'add', path: ['n'], value }] },
  ]
  const n = async () => (await storage.read([a]))[0]?.n
  await storage.transact(add(1), 't')
  await storage.transact(add(1), 't')
  expect(await n()).toBe(1)
  await expect(storage.transact([...add(1), { op: 'delete', key: b }], 't')).rejects.toMatchObject({
    kind: 'mismatch',
  })
  machine.pass(10 * 60_000)
  await storage.transact(add(1), 't')
  expect(await n()).toBe(2)
})

test('a row that becomes too large is refused, and nothing of its transaction is applied', async () => {
  const { storage } = open()
  const large = { ...b, data: 'x'.repeat(410_000) }
  await expect(storage.apply({ op: 'put', row: large })).rejects.toThrow(StorageFault)
  const operations: RowOperation[] = [
    { op: 'put', row: a },
    { op: 'put', row: large },
  ]
  await expect(storage.transact(operations, 't')).rejects.toMatchObject({ kind: 'invalid' })
  expect(await storage.read([a, b])).toEqual([undefined, undefined])
})

test('rows of one moment have 4 MB together', async () => {
  const { storage } = open()
  const keys = Array.from({ length: 11 }, (_, i) => ({ pk: 'p', sk: `k${String(i).padStart(2, '0')}` }))
  // 3 bytes of keys' values, 4 of the names of pk and sk, 4 of data's.
  const bytes = (all: number) => 'x'.repeat(all - 1 - 3 - 4 - 4)
  await storage.write(keys.slice(0, 10).map((key) => ({ put: { ...key, data: bytes(400_000) } })))
  await storage.write([{ put: { ...keys[10]!, data: bytes(4 * 1024 * 1024 - 4_000_000) } }])
  expect(await storage.readTogether(keys)).toHaveLength(11)
  await storage.write([{ put: { ...keys[10]!, data: bytes(4 * 1024 * 1024 - 4_000_000 + 1) } }])
  await expect(storage.readTogether(keys)).rejects.toMatchObject({ kind: 'invalid' })
})

test('a range begins where it says, both ways', async () => {
  const { storage } = open()
  const names = ['a', 'b', 'b1', 'b\uffff', 'b😀', 'c', 'd']
  await storage.write(names.map((sk) => ({ put: { pk: 'p', sk } })))
  const of = async (range: object) => (await storage.page({ pk: 'p', ...range })).rows.map(({ sk }) => sk)
  expect(await of({ from: 'b1', to: 'c' })).toEqual(['b1', 'b\uffff', 'b😀', 'c'])
  expect(await of({ from: 'b1', to: 'c', reverse: true })).toEqual(['c', 'b😀', 'b\uffff', 'b1'])
  expect(await of({ prefix: 'b' })).toEqual(['b', 'b1', 'b\uffff', 'b😀'])
  expect(await of({ prefix: 'b', reverse: true })).toEqual(['b😀', 'b\uffff', 'b1', 'b'])
  expect(await of({ after: 'b' })).toEqual(['b1', 'b\uffff', 'b😀', 'c', 'd'])
  expect(await of({ after: 'b', reverse: true })).toEqual(['a'])
  expect(await of({ reverse: true, limit: 2 })).toEqual(['d', 'c'])
})
