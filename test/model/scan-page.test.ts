import { type Row, type Scan, scanFrom } from 'lockrow/backend'
import { expect, test } from 'vitest'

const rows: Row[] = ['a', 'b', '\uffff', '😀'].flatMap((pk) => ['1', '2', '3'].map((sk) => ({ pk, sk })))

function pages(scan: Scan): Row[][] {
  const found: Row[][] = []
  let after: Scan['after']
  do {
    const page = scanFrom({ ...scan, ...(after && { after }) }, rows)
    found.push(page.rows)
    after = page.next
  } while (after)
  return found
}

test.each([1, 2, 5, 12, 13])('all rows once in pages of %d', (limit) => {
  expect(pages({ limit }).flat()).toEqual(rows)
  expect(pages({ limit }).every((page) => page.length <= limit)).toBe(true)
})

test('each partition lies in one segment, and all of them together have every row', () => {
  const parts = [0, 1, 2].map((segment) => pages({ segment, segments: 3, limit: 2 }).flat())
  expect(parts.flat()).toHaveLength(rows.length)
  const homes = parts.map((part) => new Set(part.map(({ pk }) => pk)))
  expect(homes.flatMap((home) => [...home]).toSorted()).toEqual(['a', 'b', '\uffff', '😀'].toSorted())
})

test('a limit counts the rows that are dropped; scanned says how many were looked at', () => {
  const only = { op: 'eq', left: { path: ['sk'] }, right: { value: '3' } } as const
  expect(scanFrom({ only, limit: 2 }, rows)).toEqual({ rows: [], scanned: 2, next: { pk: 'a', sk: '2' } })
  expect(scanFrom({ only }, rows)).toMatchObject({ scanned: 12 })
  expect(scanFrom({ only }, rows).rows).toHaveLength(4)
})
