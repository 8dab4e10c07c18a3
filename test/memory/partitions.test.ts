import { expect, test } from 'vitest'
import { Partition } from '../../src/memory/partition.ts'
import { Partitions } from '../../src/memory/partitions.ts'
import type { Scan } from '../../src/storage.ts'

function filled(count: number): Partitions {
  const partitions = new Partitions()
  for (let i = 0; i < count; i++) add(partitions, `p${i}`)
  return partitions
}
function add(partitions: Partitions, pk: string): void {
  const partition = new Partition()
  for (const sk of ['a', 'b', 'c']) partition.set({ pk, sk })
  partitions.set(pk, partition)
}
const keys = (partitions: Partitions, scan: Scan = {}) =>
  partitions.scan(scan).rows.map(({ pk, sk }) => `${pk}/${sk}`)

test('the order is that of no key, and stays the same with what comes and goes', () => {
  const partitions = filled(50)
  const before = keys(partitions)
  expect(before).toHaveLength(150)
  expect(before).not.toEqual(before.toSorted())
  add(partitions, 'new')
  partitions.delete('p7')
  expect(keys(partitions).filter((key) => !key.startsWith('new'))).toEqual(
    before.filter((key) => !key.startsWith('p7/')),
  )
  expect(keys(partitions).filter((key) => key.startsWith('new'))).toHaveLength(3)
  add(partitions, 'p7')
  partitions.delete('new')
  expect(keys(partitions)).toEqual(before)
})

test('a million segments have each row once, too', () => {
  const partitions = filled(20)
  const segments = 1_000_000
  const found: string[] = []
  for (let segment = 0; segment < segments; segment++) found.push(...keys(partitions, { segment, segments }))
  expect(found).toEqual(keys(partitions))
})

test('a page ends in the middle of a partition, and goes on there', () => {
  const partitions = filled(3)
  const all = keys(partitions)
  const { next } = partitions.scan({ limit: 4 })
  expect(`${next!.pk}/${next!.sk}`).toBe(all[3])
  expect(keys(partitions, { after: next! })).toEqual(all.slice(4))
  expect(partitions.scan({ after: { pk: next!.pk, sk: 'zz' }, limit: 1 }).rows[0]?.pk).not.toBe(next!.pk)
})
