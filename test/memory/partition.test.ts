import { expect, test } from 'vitest'
import { Partition } from '../../src/memory/partition.ts'

const name = (n: number) => String(n).padStart(3, '0')
const row = (sk: string, data: unknown = sk) => ({ pk: 'p', sk, data })

function filled(count: number) {
  const partition = new Partition()
  // Not in order.
  for (let i = 0; i < count; i++) partition.set(row(name((i * 37) % count)))
  return partition
}
const keys = (partition: Partition, ...args: Parameters<Partition['walk']>) =>
  [...partition.walk(...args)].map(({ sk }) => sk)

test.each([5, 32, 33, 100])('%d rows: in order, from any place, both ways', (count) => {
  const partition = filled(count)
  const all = Array.from({ length: count }, (_, i) => name(i))
  expect(partition.size).toBe(count)
  expect(keys(partition, undefined, false, false)).toEqual(all)
  expect(keys(partition, undefined, false, true)).toEqual(all.toReversed())
  expect(keys(partition, '002', false, false)).toEqual(all.slice(3))
  expect(keys(partition, '002', true, false)).toEqual(all.slice(2))
  expect(keys(partition, '002', false, true)).toEqual(['001', '000'])
  expect(keys(partition, '002', true, true)).toEqual(['002', '001', '000'])
  expect(keys(partition, '0021', false, true)).toEqual(['002', '001', '000'])
  expect(keys(partition, '0021', true, false)).toEqual(all.slice(3))
})

test.each([5, 40])('of %d rows one is replaced, deleted, or not there', (count) => {
  const partition = filled(count)
  partition.set(row('003', 'new'))
  expect([partition.size, partition.get('003')?.data, partition.get('0035')]).toEqual([
    count,
    'new',
    undefined,
  ])
  partition.delete('003')
  partition.delete('0035')
  expect([partition.size, partition.get('003')]).toEqual([count - 1, undefined])
  expect(keys(partition, '002', false, false)[0]).toBe('004')
})

test.each([0, 40])('the order is that of UTF-8, beside %d others', (others) => {
  const partition = filled(others)
  for (const sk of ['\u{10000}', '\uffff', 'z']) partition.set(row(sk))
  expect(keys(partition, undefined, false, true).slice(0, 3)).toEqual(['\u{10000}', '\uffff', 'z'])
})
