import { describe, expect, it } from 'vitest'
import { formatHistory, parseHistory } from './history.ts'
import { checkHolds, type HoldOptions } from './holds.ts'
import { checkLinearizability } from './linearizability.ts'
import { checkMessages, type MessageOptions } from './messages.ts'
import { counterModel, itemModel } from './models.ts'
import { checkNumbers, type NumberOptions } from './numbers.ts'
import type { Operation } from './operations.ts'
import { subjects } from './speed.ts'

/** Each checker on histories with one planted anomaly, and on the same without. */
const never = Number.POSITIVE_INFINITY
let ids = 0

/** `[client, from, to, op, input, output?, outcome?]`; one key. */
type Line = readonly [string, number, number, string, unknown, unknown?, ('ok' | 'fail' | 'info')?]

const ops = (...lines: Line[]): Operation[] =>
  lines
    .map(([client, startAt, endAt, op, input, output, outcome = 'ok']): Operation => {
      const end = outcome === 'info' ? never : endAt
      const times = { start: startAt, end, startAt, endAt: end }
      const id = (input as { as?: string } | undefined)?.as ?? `o${ids++}`
      return { id, client, op, key: 'k', outcome, input, output, ...times }
    })
    .sort((a, b) => a.start - b.start)

const kinds = (result: { anomalies: { kind: string }[] }) => [
  ...new Set(result.anomalies.map((one) => one.kind)),
]

describe('linearizability', () => {
  const counter = (...lines: Line[]) => checkLinearizability(ops(...lines), counterModel({ min: 0 })).verdict
  const item = (...lines: Line[]) => checkLinearizability(ops(...lines), itemModel()).verdict
  const write = (at: number, to: number, v: number, outcome: 'ok' | 'fail' | 'info' = 'ok'): Line => [
    `w${v}`,
    at,
    to,
    'set',
    { v },
    undefined,
    outcome,
  ]
  const read = (at: number, to: number, v: number | null): Line => [
    'r',
    at,
    to,
    'get',
    undefined,
    v === null ? null : { v },
  ]
  const swap = (at: number, to: number, from: number, into: number, applied: boolean): Line => [
    'c',
    at,
    to,
    'update',
    { if: { v: from }, set: { v: into } },
    { applied },
  ]

  it.each<[string, Line[]]>([
    ['one after another', [write(0, 1, 1), read(2, 3, 1), write(4, 5, 2), read(6, 7, 2)]],
    ['either of two that overlap', [write(0, 9, 1), write(0, 9, 2), read(10, 11, 1)]],
    ['a read that overlaps a write', [write(0, 1, 1), write(2, 9, 2), read(3, 4, 2), read(10, 11, 2)]],
    [
      'an unknown write that takes effect much later',
      [write(0, 1, 1, 'info'), read(2, 3, null), read(90, 91, 1)],
    ],
    ['an unknown write that never happened', [write(0, 1, 1, 'info'), read(90, 91, null)]],
    ['a write that failed and is not seen', [write(0, 1, 1), write(2, 3, 2, 'fail'), read(4, 5, 1)]],
    ['swaps', [write(0, 1, 1), swap(2, 3, 1, 2, true), swap(4, 5, 1, 3, false), read(6, 7, 2)]],
  ])('passes %s', (_name, lines) => {
    expect(item(...lines)).toBe('valid')
  })

  it.each<[string, Line[]]>([
    ['a stale read', [write(0, 1, 1), write(2, 3, 2), read(4, 5, 1)]],
    ['a value that nobody wrote', [write(0, 1, 1), read(2, 3, 7)]],
    ['a failed write that is seen', [write(0, 1, 1, 'fail'), read(2, 3, 1)]],
    ['a read from the future', [read(0, 1, 1), write(2, 3, 1)]],
    [
      'an unknown write seen, then unseen',
      [write(0, 1, 1), write(2, 3, 2, 'info'), read(4, 5, 2), read(6, 7, 1)],
    ],
    [
      'two readers that disagree on the order',
      [write(0, 9, 1), write(0, 9, 2), read(10, 11, 1), read(12, 13, 2)],
    ],
    ['two swaps from one value', [write(0, 1, 1), swap(2, 9, 1, 2, true), swap(3, 8, 1, 3, true)]],
    ['a swap refused for no reason', [write(0, 1, 1), swap(2, 3, 1, 2, false)]],
  ])('finds %s', (_name, lines) => {
    expect(item(...lines)).toBe('invalid')
  })

  it('finds a lost update of a counter, and one that passed its bound', () => {
    const add = (client: string, at: number, to: number, n: number, value?: number | false): Line => [
      client,
      at,
      to,
      'add',
      n,
      value,
    ]
    const value = (at: number, v: number): Line => ['r', at, at + 1, 'read', undefined, v]
    expect(counter(add('a', 0, 5, 1), add('b', 0, 5, 1), value(6, 2))).toBe('valid')
    expect(counter(add('a', 0, 5, 1), add('b', 0, 5, 1), value(6, 1))).toBe('invalid')
    expect(counter(add('a', 0, 5, 1, 1), add('b', 0, 5, 1, 1))).toBe('invalid')
    expect(counter(add('a', 0, 1, 1), add('b', 2, 9, -1, 0), add('c', 2, 9, -1, 0))).toBe('invalid')
    expect(counter(add('a', 0, 1, 1), add('b', 2, 9, -1, 0), add('c', 2, 9, -1, false))).toBe('valid')
  })

  it('finds an update of an item that ignored its condition, or mixed two items', () => {
    const set = (at: number, v: object): Line => ['a', at, at + 1, 'set', v]
    const update = (at: number, to: number, v: object, result: object): Line => [
      'b',
      at,
      to,
      'update',
      v,
      result,
    ]
    const get = (at: number, v: object | null): Line => ['r', at, at + 1, 'get', undefined, v]
    const sold = { if: { stock: { gte: 1 } }, add: { stock: -1 } }
    const applied = { applied: true }
    const begin = set(0, { stock: 1 })
    expect(item(begin, update(2, 9, sold, applied), get(10, { stock: 0 }))).toBe('valid')
    expect(item(begin, update(2, 9, sold, applied), update(3, 8, sold, applied))).toBe('invalid')
    expect(item(begin, update(2, 3, sold, { applied: false }), get(4, { stock: 1 }))).toBe('invalid')
    const both = [set(0, { a: 1, b: 1 }), set(2, { a: 2, b: 2 })]
    expect(item(...both, get(4, { a: 2, b: 1 }))).toBe('invalid')
    expect(item(...both, ['d', 4, 5, 'delete', undefined], get(6, { a: 2, b: 2 }))).toBe('invalid')
  })
})

describe('a history file', () => {
  const text = formatHistory({
    header: { format: 'lockrow-history', version: 1, library: '0', seed: 1 },
    events: [
      { id: 1, client: 'a', type: 'invoke', op: 'read', at: 1 },
      { id: 1, client: 'a', type: 'ok', op: 'read', at: 2 },
    ],
  })
  const lines = text.split('\n')

  it('is read back as it was written', () => {
    expect(parseHistory(text).events).toHaveLength(2)
  })

  it.each<[string, string, RegExp]>([
    ['in the middle of a line', text.slice(0, text.length - 30), /^line 3: .*cut off/],
    ['between two lines', `${lines.slice(0, 2).join('\n')}\n`, /^line 2: .*cut off/],
    ['everything', '', /^line 1: .*empty/],
    ['a line from its middle', [lines[0], lines[1], lines[3], ''].join('\n'), /^line 3: lines are missing/],
  ])('that lacks its end, %s, is reported with the line', (_name, cut, message) => {
    expect(() => parseHistory(cut)).toThrow(message)
  })

  it('of another version or kind says so', () => {
    expect(() => parseHistory(text.replace('"version":1', '"version":9'))).toThrow(/version 9/)
    expect(() => parseHistory('{"a":1}\n')).toThrow(/not a lockrow-history/)
    expect(() => parseHistory(text.replace('"type":"ok"', '"type":"maybe"'))).toThrow(/line 3: "type"/)
  })
})

describe('holds', () => {
  const acquire = (client: string, at: number, as: string, token?: number, more = {}): Line => [
    client,
    at,
    at + 1,
    'acquire',
    { ttl: 100, as, ...more },
    { token },
  ]
  const check = (options: HoldOptions, ...lines: Line[]) => kinds(checkHolds(ops(...lines), options))
  const mutex = (...lines: Line[]) => check({}, ...lines)

  it('passes what is right: one after another, after the lease, after a crash, extended', () => {
    expect(
      mutex(
        acquire('a', 0, 'a1', 1),
        ['a', 50, 51, 'extend', { holder: 'a1' }],
        ['a', 120, 121, 'release', { holder: 'a1' }, undefined, 'info'],
        acquire('b', 122, 'b1', 2),
        acquire('c', 225, 'c1', 3),
        ['c', 240, 240, 'gone', {}],
        acquire('a', 250, 'a2', 4),
        ['b', 251, 252, 'write', { token: 2 }, false],
        ['a', 251, 252, 'write', { token: 4 }, true],
      ),
    ).toEqual([])
  })

  it.each<[string, Line[]]>([
    ['too many holders', [acquire('a', 0, 'a1', 1), acquire('b', 50, 'b1', 2)]],
    [
      'too many holders',
      [acquire('a', 0, 'a1', 1), ['a', 90, 91, 'extend', { holder: 'a1' }], acquire('b', 110, 'b1', 2)],
    ],
    ['token not growing', [acquire('a', 0, 'a1', 5), acquire('b', 150, 'b1', 4)]],
    ['token twice', [acquire('a', 0, 'a1', 5), acquire('b', 150, 'b1', 5)]],
    [
      'stale fence accepted',
      [
        acquire('a', 0, 'a1', 1),
        acquire('b', 150, 'b1', 2),
        ['b', 151, 152, 'write', { token: 2 }, true],
        ['a', 153, 154, 'write', { token: 1 }, true],
      ],
    ],
  ])('finds a mutex with: %s', (kind, lines) => {
    expect(mutex(...lines)).toEqual([kind])
  })

  it('finds one holder too many of a semaphore, and passes as many as there are permits', () => {
    const three = [acquire('a', 0, 'a1'), acquire('b', 10, 'b1'), acquire('c', 20, 'c1')]
    expect(check({ permits: 3 }, ...three)).toEqual([])
    expect(check({ permits: 3 }, ...three, acquire('d', 30, 'd1'))).toEqual(['too many holders'])
    expect(check({ permits: 3 }, ...three, acquire('d', 102, 'd1'))).toEqual([])
  })

  it('finds a reader beside a writer, and passes readers beside readers', () => {
    const shared = { shared: true }
    const readers = [acquire('a', 0, 'a1', undefined, shared), acquire('b', 10, 'b1', undefined, shared)]
    expect(check({}, ...readers)).toEqual([])
    expect(check({}, ...readers, acquire('c', 20, 'c1', 1))).toEqual(['reader beside a writer'])
  })
})

describe('messages', () => {
  const push = (client: string, at: number, of: number[], more = {}): Line => [
    client,
    at,
    at + 1,
    'push',
    { ids: of, ...more },
  ]
  const pull = (client: string, at: number, id: number, count = 1, receipt = `r${id}-${count}`): Line => [
    client,
    at,
    at + 1,
    'pull',
    { ttl: 100 },
    [{ id, receipt, count }],
  ]
  const act = (client: string, at: number, op: string, id: number, count = 1, more = {}): Line => [
    client,
    at,
    at + 1,
    op,
    { id, receipt: `r${id}-${count}`, ...more },
  ]
  const drain = (at: number, left: number[], dead: number[] = []): Line[] => [
    ['z', at, at + 1, 'drain', undefined, left],
    ['z', at, at + 1, 'dead', undefined, dead],
  ]
  const check = (options: MessageOptions, ...lines: Line[]) => kinds(checkMessages(ops(...lines), options))

  it('passes what is right: redelivery in time, release, dead letters, what is left in order', () => {
    expect(
      check(
        { strict: true },
        push('p', 0, [1, 2, 3, 4, 5]),
        pull('a', 2, 1),
        act('a', 50, 'extend', 1, 1, { ttl: 100 }),
        pull('b', 151, 1, 2),
        act('b', 160, 'ack', 1, 2),
        pull('a', 170, 2),
        act('a', 172, 'release', 2),
        pull('b', 174, 2, 2),
        act('b', 175, 'ack', 2, 2),
        ...drain(500, [4, 5], [3]),
      ),
    ).toEqual([])
  })

  it.each<[string, MessageOptions, Line[]]>([
    ['lost', {}, [push('p', 0, [1, 2]), ...drain(500, [2])]],
    ['unexpected', {}, [push('p', 0, [1]), pull('a', 2, 9), ...drain(500, [1])]],
    ['unexpected', {}, [push('p', 0, [1]), ...drain(500, [1, 7])]],
    ['duplicated', {}, [push('p', 0, [1]), pull('a', 2, 1), pull('b', 50, 1, 2), ...drain(500, [1])]],
    [
      'duplicated',
      {},
      [
        push('p', 0, [1]),
        pull('a', 2, 1),
        act('a', 90, 'extend', 1, 1, { ttl: 100 }),
        pull('b', 150, 1, 2),
        ...drain(500, [1]),
      ],
    ],
    [
      'resurrected',
      {},
      [push('p', 0, [1]), pull('a', 2, 1), act('a', 4, 'ack', 1), pull('b', 200, 1, 2), ...drain(500, [])],
    ],
    ['resurrected', {}, [push('p', 0, [1]), pull('a', 2, 1), act('a', 4, 'ack', 1), ...drain(500, [1])]],
    [
      'receipt twice',
      {},
      [push('p', 0, [1]), pull('a', 2, 1), pull('b', 200, 1, 2, 'r1-1'), ...drain(500, [1])],
    ],
    [
      'stale receipt accepted',
      {},
      [
        push('p', 0, [1]),
        pull('a', 2, 1),
        pull('b', 110, 1, 2),
        act('a', 120, 'release', 1, 1),
        ...drain(500, [1]),
      ],
    ],
    ['order', {}, [push('p', 0, [1]), push('p', 2, [2]), ...drain(500, [2, 1])]],
    ['order', {}, [push('p', 0, [1, 2]), ...drain(500, [2, 1])]],
    [
      'group order',
      { strict: true },
      [push('p', 0, [1, 2], { group: 'g' }), pull('a', 2, 1), pull('b', 50, 2), ...drain(500, [1, 2])],
    ],
    [
      'two of a group',
      { strict: true },
      [
        push('p', 0, [1], { group: 'g', owned: true }),
        push('p', 2, [2], { group: 'g' }),
        pull('a', 4, 1),
        act('a', 90, 'extend', 1, 1, { ttl: 100 }),
        pull('b', 150, 2),
        ...drain(500, [1, 2]),
      ],
    ],
  ])('finds: %s', (kind, options, lines) => {
    expect(check(options, ...lines)).toEqual([kind])
  })

  it('takes into account what a strict queue does not promise', () => {
    const group = 'g'
    // Taken back after its time, beside one that was given out before that.
    const revived = [
      push('p', 0, [1, 2], { group }),
      pull('a', 4, 2),
      pull('b', 150, 1),
      act('a', 200, 'extend', 2, 1, { ttl: 100 }),
    ]
    expect(check({ strict: true }, ...revived, ...drain(500, [1, 2]))).toEqual([])
    // But not one that is given out after that.
    const behind = [...revived, push('p', 202, [3], { group }), pull('c', 290, 3)]
    expect(check({ strict: true }, ...behind, ...drain(500, [1, 2, 3]))).toEqual(['group order'])
    // The key of the first is older than that of what could be read before it.
    const slow = (keyTime: number): Line[] => [
      ['p', 0, 100, 'push', { ids: [1], group }, { keyTimes: [0] }],
      ['q', 1, 2, 'push', { ids: [9] }, { keyTimes: [keyTime] }],
      ['p', 101, 102, 'push', { ids: [2], group }, { keyTimes: [101] }],
      pull('a', 103, 1),
      pull('b', 110, 2),
      ...drain(500, [1, 2, 9]),
    ]
    expect(check({ strict: true, lateMs: 20 }, ...slow(30))).toEqual([])
    expect(check({ strict: true, lateMs: 20 }, ...slow(10))).toEqual(['group order'])
    const delayed = [
      push('p', 0, [1], { group, owned: true }),
      push('p', 2, [2], { group }),
      pull('a', 4, 1),
      pull('b', 9, 2),
    ]
    expect(check({ strict: true, exceptOwned: true }, ...delayed, ...drain(500, [1, 2]))).toEqual([])
  })

  it('takes into account clocks, lost replies of the push, and keys of their own', () => {
    const early = [push('p', 0, [1]), pull('a', 2, 1), pull('b', 90, 1, 2), ...drain(500, [1])]
    expect(check({ skewMs: 20 }, ...early)).toEqual([])
    const twice: Line = ['p', 0, 1, 'push', { ids: [1] }, { twice: true }]
    expect(check({}, twice, pull('a', 2, 1), act('a', 4, 'ack', 1), ...drain(500, [1]))).toEqual([])
    expect(check({}, push('p', 0, [1, 2], { owned: true }), ...drain(500, [2, 1]))).toEqual([])
    const unknown: Line = ['p', 0, 1, 'push', { ids: [1] }, undefined, 'info']
    expect(check({}, unknown, ...drain(500, []))).toEqual([])
  })
})

describe('numbers', () => {
  const add = (at: number, n: number, outcome: 'ok' | 'fail' | 'info' = 'ok'): Line => [
    'a',
    at,
    at + 1,
    'add',
    n,
    undefined,
    outcome,
  ]
  const read = (at: number, value: number): Line => ['a', at, at + 1, 'read', undefined, value]
  const assign = (at: number, n: number): Line => ['a', at, at + 1, 'assign', undefined, n]
  const lost: Line = ['a', 3, 4, 'assign', undefined, undefined, 'info']
  const check = (options: NumberOptions, ...lines: Line[]) => kinds(checkNumbers(ops(...lines), options))

  it('passes what is right', () => {
    expect(check({}, add(0, 2), add(2, 3), read(9, 5))).toEqual([])
    expect(check({}, add(0, 2), add(2, 3, 'info'), add(4, 9, 'fail'), read(9, 5))).toEqual([])
    expect(check({ contiguousFrom: 0 }, assign(0, 0), assign(2, 1), lost, assign(5, 3))).toEqual([])
    expect(check({ min: 0, max: 9 }, add(0, 9), read(2, 9))).toEqual([])
    expect(check({}, ['a', 0, 1, 'run', 0, 'x'], ['b', 0, 3, 'run', 0, 'x'])).toEqual([])
  })

  it.each<[string, NumberOptions, Line[]]>([
    ['sum', {}, [add(0, 2), add(2, 3), read(9, 2)]],
    ['sum', {}, [add(0, 2), add(2, 3, 'info'), read(9, 4)]],
    ['sum', {}, [add(0, 2), add(2, 3, 'fail'), read(9, 5)]],
    ['out of bounds', { min: 0 }, [add(0, -1), read(2, -1)]],
    ['assigned twice', {}, [assign(0, 4), assign(2, 4)]],
    ['gap', { contiguousFrom: 0 }, [assign(0, 0), assign(2, 2)]],
    ['gap', { contiguousFrom: 0 }, [assign(0, 0), lost, assign(5, 3)]],
    [
      'two results',
      {},
      [
        ['a', 0, 1, 'run', 0, 'x'],
        ['b', 0, 3, 'run', 0, 'y'],
      ],
    ],
  ])('finds: %s', (kind, options, lines) => {
    expect(check(options, ...lines)).toEqual([kind])
  })
})

describe('long histories by 32 clients', () => {
  it.each(Object.keys(subjects))('%s: right', (name) => {
    const { history, check } = subjects[name]!
    expect(check(history(1500)).verdict).toBe('valid')
  })

  it.each(Object.keys(subjects))('%s: with one result spoiled', (name) => {
    const { history, check } = subjects[name]!
    const all = history(1500)
    const at = all.findIndex(({ outcome, output }, i) => i > 700 && outcome === 'ok' && output != null)
    const before = all.slice(0, at).findLast(({ op, outcome }) => op === all[at]!.op && outcome === 'ok')!
    const wrong = (output: unknown): unknown => {
      if (name.startsWith('serial')) return [['r', 'l0', [-1]]]
      return name.endsWith('items') || name.endsWith('one item')
        ? { n: -1, applied: true, item: { n: -1 } }
        : output
    }
    const spoiled = all.map((one, i) => (i === at ? { ...one, output: wrong(before.output) } : one))
    expect(check(spoiled).verdict).toBe('invalid')
  })
})
