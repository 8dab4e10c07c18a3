import { describe, expect, it } from 'vitest'
import { checkLinearizability } from './linearizability.ts'
import type { Operation } from './operations.ts'
import { type RowState, rowsModel } from './rows-model.ts'

/** `[from, to, written, seen?]`; without an end its outcome is unknown. */
type Line = readonly [from: number, to: number | undefined, written: RowState, seen?: RowState]

const verdict = (...lines: Line[]) =>
  checkLinearizability(
    lines.map(([startAt, to, input, output], id): Operation => {
      const endAt = to ?? Number.POSITIVE_INFINITY
      const times = { start: startAt, end: endAt, startAt, endAt }
      return { id, client: id, op: 'rows', key: 'k', outcome: to ? 'ok' : 'info', input, output, ...times }
    }),
    rowsModel(),
  ).verdict

describe('rows that transactions and plain writes share', () => {
  it.each<[string, Line[]]>([
    [
      'one after another',
      [
        [0, 1, { a: 1 }],
        [2, 3, { b: 2 }, { a: 1 }],
        [4, 5, {}, { a: 1, b: 2, c: null }],
      ],
    ],
    [
      'a plain write that overlaps a transaction',
      [
        [0, 9, { a: 1 }],
        [1, 8, { b: 2 }, { a: null }],
        [10, 11, {}, { a: 1, b: 2 }],
      ],
    ],
    [
      'a delete',
      [
        [0, 1, { a: 1 }],
        [2, 3, { a: null }],
        [4, 5, {}, { a: null }],
      ],
    ],
    [
      'an unknown one that never happened',
      [
        [0, undefined, { a: 1, b: 1 }],
        [2, 3, {}, { a: null, b: null }],
      ],
    ],
    [
      'an unknown one that is overwritten in part',
      [
        [0, undefined, { a: 1, b: 1 }],
        [2, 3, { a: 2 }],
        [4, 5, {}, { a: 2, b: 1 }],
      ],
    ],
    [
      'an unknown one after a plain write',
      [
        [0, undefined, { a: 1, b: 1 }],
        [2, 3, { a: 2 }],
        [4, 5, {}, { a: 1, b: 1 }],
      ],
    ],
    [
      'two unknown ones, the one partly over the other, both partly overwritten',
      [
        [0, undefined, { b: 1, c: 4 }],
        [0, undefined, { a: 2, b: 3 }],
        [5, 6, { a: 5 }],
        [7, 8, {}, { a: 5, b: 3, c: 4 }],
      ],
    ],
  ])('passes %s', (_name, lines) => {
    expect(verdict(...lines)).toBe('valid')
  })

  it.each<[string, Line[]]>([
    [
      'a lost plain write',
      [
        [0, 1, { a: 1 }],
        [2, 9, { a: 3 }, { a: 1 }],
        [3, 8, { a: 2 }],
        [10, 11, {}, { a: 3 }],
        [12, 13, {}, { a: 2 }],
      ],
    ],
    [
      'a write under a transaction that did not see it',
      [
        [0, 1, { a: 1 }],
        [2, 3, { a: 2 }],
        [4, 5, { a: 3 }, { a: 1 }],
      ],
    ],
    [
      'a torn view',
      [
        [0, 1, { a: 1, b: 1 }],
        [2, 3, { a: 2, b: 2 }],
        [4, 5, {}, { a: 2, b: 1 }],
      ],
    ],
    [
      'half of an unknown one',
      [
        [0, undefined, { a: 1, b: 1 }],
        [2, 3, {}, { a: 1, b: null }],
      ],
    ],
    [
      'write skew',
      [
        [0, 9, { a: 1 }, { b: null }],
        [0, 9, { b: 1 }, { a: null }],
      ],
    ],
    [
      'what was deleted',
      [
        [0, 1, { a: 1 }],
        [2, 3, { a: null }],
        [4, 5, { b: 1 }, { a: 1 }],
      ],
    ],
  ])('finds %s', (_name, lines) => {
    expect(verdict(...lines)).toBe('invalid')
  })
})
