import { expect, test } from 'vitest'
import type { Operation } from './operations.ts'
import { checkSerializability, type MicroOp } from './serializability.ts'

const txn = (id: number, output: MicroOp[], outcome: Operation['outcome'] = 'ok'): Operation => ({
  id,
  client: id,
  op: 'txn',
  key: 'list',
  outcome,
  input: output,
  output,
  start: id,
  end: id,
  startAt: id,
  endAt: id,
})
const kinds = (...all: Operation[]) => checkSerializability(all).anomalies.map(({ kind }) => kind)

test('a serial history is valid, and one of unknown outcome may have happened', () => {
  const history = [
    txn(1, [['append', 'x', 1]]),
    txn(2, [
      ['r', 'x', [1]],
      ['append', 'x', 2],
    ]),
    txn(3, [['append', 'x', 3]], 'info'),
    txn(4, [['append', 'y', 9]], 'info'),
    txn(5, [
      ['r', 'x', [1, 2, 3]],
      ['r', 'y', []],
    ]),
  ]
  expect(kinds(...history)).toEqual([])
})

test.each<[string, Operation[]]>([
  [
    'G0',
    [
      txn(1, [
        ['append', 'x', 1],
        ['append', 'y', 1],
      ]),
      txn(2, [
        ['append', 'x', 2],
        ['append', 'y', 2],
      ]),
      txn(3, [['r', 'x', [1, 2]]]),
      txn(4, [['r', 'y', [2, 1]]]),
    ],
  ],
  ['G1a', [txn(1, [['append', 'x', 1]], 'fail'), txn(2, [['r', 'x', [1]]])]],
  [
    'G1b',
    [
      txn(1, [
        ['append', 'x', 1],
        ['append', 'x', 2],
      ]),
      txn(2, [['r', 'x', [1]]]),
      txn(3, [['r', 'x', [1, 2]]]),
    ],
  ],
  [
    'G1c',
    [
      txn(1, [
        ['append', 'x', 1],
        ['r', 'y', [1]],
      ]),
      txn(2, [
        ['append', 'y', 1],
        ['r', 'x', [1]],
      ]),
    ],
  ],
  [
    'G-single',
    [
      txn(1, [
        ['append', 'x', 1],
        ['append', 'y', 1],
      ]),
      txn(2, [
        ['r', 'x', [1]],
        ['r', 'y', []],
      ]),
      txn(3, [['r', 'y', [1]]]),
    ],
  ],
  [
    'G2',
    [
      txn(1, [
        ['r', 'x', []],
        ['append', 'y', 1],
      ]),
      txn(2, [
        ['r', 'y', []],
        ['append', 'x', 1],
      ]),
      txn(3, [
        ['r', 'x', [1]],
        ['r', 'y', [1]],
      ]),
    ],
  ],
  [
    'incompatible order',
    [
      txn(1, [['append', 'x', 1]]),
      txn(2, [['append', 'x', 2]]),
      txn(3, [['r', 'x', [1, 2]]]),
      txn(4, [['r', 'x', [2]]]),
    ],
  ],
  ['duplicate', [txn(1, [['append', 'x', 1]]), txn(2, [['r', 'x', [1, 1]]])]],
  ['unexpected', [txn(1, [['r', 'x', [7]]])]],
])('%s is found', (kind, history) => {
  expect(kinds(...history)).toContain(kind)
})

test('10,000 transactions in under 10 s', () => {
  const state = new Map<string, number[]>()
  const history = Array.from({ length: 10_000 }, (_, id) => {
    const key = `k${id % 50}`
    const list = state.get(key) ?? []
    state.set(key, [...list, id])
    return txn(id, [
      ['r', key, list],
      ['append', key, id],
    ])
  })
  const started = performance.now()
  expect(kinds(...history)).toEqual([])
  expect(performance.now() - started).toBeLessThan(10_000)
})
