import type { Range } from 'lockrow/backend'
import { pageFrom } from 'lockrow/backend'
import { describe, expect, test } from 'vitest'

const rows = ['a', 'b1', 'b2', 'b3', 'c', '\uffff', '😀'].map((sk, n) => ({ pk: 'p', sk, data: { n } }))

/** The sort keys of all pages. */
function pages(range: Omit<Range, 'pk' | 'reverse'>, reverse = false): string[][] {
  const found: string[][] = []
  let after = range.after
  do {
    const given: Range = { pk: 'p', reverse, ...range, ...(after !== undefined && { after }) }
    const page = pageFrom(given, reverse ? rows.toReversed() : rows)
    found.push(page.rows.map(({ sk }) => sk))
    after = page.next
  } while (after !== undefined)
  return found
}

describe('one page', () => {
  test.each<[Omit<Range, 'pk' | 'reverse'>, string[]]>([
    [{}, rows.map(({ sk }) => sk)],
    [{ prefix: 'b' }, ['b1', 'b2', 'b3']],
    [{ from: 'b2' }, ['b2', 'b3', 'c', '\uffff', '😀']],
    [{ to: 'b2' }, ['a', 'b1', 'b2']],
    [{ from: 'b2', to: 'c' }, ['b2', 'b3', 'c']],
    [{ from: '\uffff' }, ['\uffff', '😀']],
    [{ after: 'b2' }, ['b3', 'c', '\uffff', '😀']],
    [{ prefix: 'b', after: 'b1' }, ['b2', 'b3']],
    [{ prefix: 'x' }, []],
  ])('%o', (range, sks) => {
    expect(pages(range)).toEqual([sks])
    if (range.after === undefined) expect(pages(range, true)).toEqual([sks.toReversed()])
  })

  test('after, in reverse: what lies before it', () => {
    expect(pages({ after: 'b2' }, true)).toEqual([['b1', 'a']])
  })
})

test('a page ends at its limit only when more follows', () => {
  expect(pages({ prefix: 'b', limit: 2 })).toEqual([['b1', 'b2'], ['b3']])
  expect(pages({ prefix: 'b', limit: 3 })).toEqual([['b1', 'b2', 'b3']])
})

test('a page has at most a thousand rows, whatever the limit', () => {
  const many = Array.from({ length: 1001 }, (_, i) => ({ pk: 'p', sk: String(i).padStart(4, '0') }))
  const page = pageFrom({ pk: 'p', reverse: false, limit: 5000 }, many)
  expect([page.rows.length, page.next]).toEqual([1000, '0999'])
})

test('rows that a filter leaves out count towards the limit; a count has no rows', () => {
  const only = { op: 'gt', left: { path: ['data', 'n'] }, right: { value: 2 } } as const
  const range: Range = { pk: 'p', reverse: false, only, limit: 4 }
  expect(pageFrom(range, rows)).toEqual({ rows: [rows[3]], next: 'b3' })
  expect(pageFrom({ ...range, limit: 100, count: true }, rows)).toEqual({ rows: [], count: 4 })
})

test('reading stops at the first row behind the range', () => {
  const read: string[] = []
  function* walked() {
    for (const row of rows) {
      read.push(row.sk)
      yield row
    }
  }
  pageFrom({ pk: 'p', reverse: false, prefix: 'b' }, walked())
  expect(read).toEqual(['a', 'b1', 'b2', 'b3', 'c'])
})
