import { expect, test } from 'vitest'
import { newContext } from '../../../src/engine/context.ts'
import {
  beginsChunk,
  claim,
  claimUpTo,
  giveUp,
  isExcepted,
  type Pull,
  stillWanted,
  worthReading,
} from '../../../src/engine/queue/claim.ts'
import { Control } from '../../../src/engine/queue/control.ts'
import { viewOf } from '../../../src/engine/queue/in-flight.ts'
import { MemoryStorage } from '../../../src/memory/storage.ts'
import { hashOf } from '../../../src/model/hash.ts'
import type { MessageRow } from '../../../src/model/message-row.ts'
import { Machine } from '../../setup/machine.ts'

const row = (sk: string, more: object = {}): MessageRow => ({ pk: 'jobs', sk, n: 0, data: sk, ...more })
const none = new Set<string>()

async function setUp(rows: MessageRow[], options: object = {}, more: Partial<Pull> = {}) {
  const machine = new Machine(1e12)
  machine.random = () => 0
  const storage = new MemoryStorage(machine)
  await storage.write(rows.map((put) => ({ put })))
  const context = newContext(storage, { runtime: machine })
  const pull = {
    context,
    inFlight: viewOf(context, row('a')),
    options: { pk: 'jobs', limit: 10, ...options },
    seconds: 60,
    deadLetter: 'jobs#dead',
    rows: [],
    dead: [],
    control: new Control({ pk: 'jobs', sk: '~control' }),
    side: [],
    isCollecting: false,
    isUncertain: false,
    nextDue: Number.POSITIVE_INFINITY,
    missed: 0,
    ...more,
  } as Pull
  const stored = async (sk: string, pk = 'jobs') => (await storage.read([{ pk, sk }]))[0]
  return { machine, storage, pull, stored }
}
const keysOf = (rows: readonly { sk: string }[]) => rows.map(({ sk }) => sk)

test('a claim gives a receipt, a deadline, a count and the time of the first one', async () => {
  const { machine, pull, stored } = await setUp([row('a')])
  expect(await claim(pull, row('a'))).toBe('claimed')
  const claimed = await stored('a')
  expect(claimed).toEqual({
    ...row('a'),
    n: 1,
    r: expect.any(String),
    due: machine.wall + 60_000,
    first: machine.wall,
  })
  expect(pull.rows).toEqual([claimed])
  expect([pull.inFlight.isOwn('a'), pull.inFlight.nextDue]).toEqual([true, machine.wall + 60_000])
  machine.pass(60_000)
  expect(await claim(pull, row('a'))).toBe('claimed')
  expect(await stored('a')).toMatchObject({ n: 2, first: machine.wall - 60_000 })
  expect((await stored('a'))!.r).not.toBe(claimed!.r)
})

test('one that is not ready any more is refused, and shown', async () => {
  const { machine, pull } = await setUp([row('a', { due: 1e12 + 1 }), row('b', { ttl: 1e9 })])
  const seen: unknown[] = []
  for (const sk of ['a', 'b', 'gone'])
    expect(await claim(pull, row(sk), (found) => seen.push(found?.sk))).toBe('refused')
  expect(seen).toEqual(['a', 'b', undefined])
  expect(pull.rows).toEqual([])
  machine.pass(1)
  expect(await claim(pull, row('a'))).toBe('claimed')
})

test('received often enough it is not claimed but buried, whoever has counted', async () => {
  const { pull, stored } = await setUp([row('a', { n: 3 }), row('b', { n: 2 })], { maxReceives: 3 })
  await claimUpTo(pull, [row('a', { n: 3 }), row('b', { n: 2 })], none, true)
  expect([keysOf(pull.rows), keysOf(pull.dead), await stored('a')]).toEqual([['b'], ['a'], undefined])
  expect(await stored('a', 'jobs#dead')).toMatchObject({ dl: { from: 'jobs', reason: 'received 3 times' } })
  const other = await setUp([row('c', { n: 3 })], { maxReceives: 3 })
  // It was read with a count that is old by now.
  expect(await claim(other.pull, row('c', { n: 1 }))).toBe('refused')
})

test('a message that cannot be buried for a reason of its own is left alone for ten minutes', async () => {
  const { machine, pull } = await setUp([row('a', { n: 5 })])
  expect(await giveUp(pull, row('a', { n: 1 }), { reason: 'too large' })).toBe(false)
  expect(pull.inFlight.nextDue).toBe(machine.wall + 600_000)
  const other = await setUp([row('a', { n: 5 })])
  expect(await giveUp(other.pull, row('a', { n: 1 }))).toBe(false)
  expect(other.pull.inFlight.nextDue).toBe(Number.POSITIVE_INFINITY)
  expect(await giveUp(other.pull, row('a', { n: 5 }))).toBe(true)
  expect(keysOf(other.pull.dead)).toEqual(['a'])
})

test('who is alone claims in order, no more than is wanted', async () => {
  const rows = ['a', 'b', 'c', 'd'].map((sk) => row(sk))
  const { pull } = await setUp(rows, { limit: 3 })
  pull.inFlight.claimsFailed(0)
  expect(stillWanted(pull)).toBe(3)
  await claimUpTo(pull, rows, none, true)
  expect([keysOf(pull.rows), stillWanted(pull), pull.missed, pull.inFlight.isCalm]).toEqual([
    ['a', 'b', 'c'],
    0,
    0,
    true,
  ])
})

test('one message is chosen among as many as the window says', async () => {
  const rows = ['a', 'b', 'c', 'd', 'e'].map((sk) => row(sk))
  const { machine, pull } = await setUp(rows, { limit: 1 })
  pull.inFlight.claimsFailed(1)
  pull.inFlight.claimsFailed(1)
  machine.random = () => 0.99
  await claimUpTo(pull, rows, none, true)
  expect(keysOf(pull.rows)).toEqual(['d'])
  const few = await setUp(rows, { limit: 1 })
  for (let i = 0; i < 9; i++) few.pull.inFlight.claimsFailed(1)
  few.machine.random = () => 0.99
  await claimUpTo(few.pull, rows, none, true)
  expect(keysOf(few.pull.rows)).toEqual(['e'])
})

test('messages that others were given first count as missed, and the next ones are tried', async () => {
  const rows = ['a', 'b', 'c'].map((sk) => row(sk))
  const { pull, storage } = await setUp(rows, { limit: 1 })
  await storage.write([{ put: row('a', { due: 2e12, r: 'theirs', n: 1 }) }])
  await claimUpTo(pull, rows, none, true)
  expect([keysOf(pull.rows), pull.missed, pull.inFlight.window]).toEqual([['b'], 1, 2 - 0.4])
})

test('groups that the pull passes over are not claimed', async () => {
  const rows = [row('a', { g: 'full' }), row('b', { g: 'other' }), row('c')]
  const { pull } = await setUp(rows, { exceptGroups: ['full'] })
  expect(rows.map((one) => isExcepted(pull, one))).toEqual([true, false, false])
  await claimUpTo(pull, rows, none, true)
  expect(keysOf(pull.rows)).toEqual(['b', 'c'])
})

test('a pull that collects notes what it could claim, once, and claims nothing', async () => {
  const rows = ['a', 'b', 'c', 'd'].map((sk) => row(sk))
  const { pull, stored } = await setUp(rows, { limit: 3 }, { isCollecting: true, side: [row('b')] })
  expect(stillWanted(pull)).toBe(2)
  await claimUpTo(pull, rows, none, true)
  expect([keysOf(pull.side), pull.rows, (await stored('a'))!.n]).toEqual([['b', 'a', 'c'], [], 0])
})

test('chunks begin where the keys say so, for one message everywhere', () => {
  const keys = Array.from({ length: 4000 }, (_, i) => `key ${i}`)
  const share = (limit: number) => keys.filter((sk) => beginsChunk(sk, limit)).length / keys.length
  expect(share(1)).toBe(1)
  for (const [limit, length] of [
    [2, 2],
    [3, 2],
    [4, 4],
    [100, 64],
    [1000, 64],
  ] as const)
    expect(share(limit) * length).toBeCloseTo(1, 0)
  expect(keys.filter((sk) => beginsChunk(sk, 100))).toEqual(keys.filter((sk) => hashOf(sk) % 64 === 0))
})

test('where other processes are met, a chunk that one of them is at is left to it', async () => {
  const sks = Array.from({ length: 60 }, (_, i) => `k${String(i).padStart(2, '0')}`)
  const starts = sks.filter((sk, i) => i === 0 || beginsChunk(sk, 4))
  const rows = sks.map((sk) => row(sk))
  const { pull } = await setUp(rows, { limit: 4 })
  pull.inFlight.claimsFailed(1)
  await claimUpTo(pull, rows, new Set(starts.slice(0, 1)), true)
  const from = sks.indexOf(starts[1]!)
  const length = Math.min(4, sks.indexOf(starts[2]!) - from)
  expect(keysOf(pull.rows).slice(0, length)).toEqual(sks.slice(from, from + length))
  expect(pull.rows).toHaveLength(4)
  // With something in hand it does not fight for what is theirs; with nothing it has to.
  const busy = await setUp(rows, { limit: 4 })
  busy.pull.inFlight.claimsFailed(1)
  busy.pull.rows.push({ ...row('own'), r: 'r', due: 1 })
  await claimUpTo(busy.pull, rows, new Set(starts), true)
  expect(busy.pull.rows).toHaveLength(1)
  const empty = await setUp(rows, { limit: 4 })
  empty.pull.inFlight.claimsFailed(1)
  await claimUpTo(empty.pull, rows, new Set(starts), true)
  expect(empty.pull.rows.length).toBeGreaterThan(0)
})

test('as many rows are read as are worth it: a few more than are wanted, or what others leave over', async () => {
  const { pull } = await setUp([], { limit: 10 })
  expect(worthReading(pull)).toBe(10)
  const one = await setUp([], { limit: 1 })
  expect(worthReading(one.pull)).toBe(4)
  await one.pull.inFlight.whileClaiming('x', async () => {
    expect(worthReading(one.pull)).toBe(4)
  })
  await pull.inFlight.whileClaiming('x', async () => {
    expect(worthReading(pull)).toBe(11)
  })
  pull.inFlight.claimsFailed(1)
  // A window of two chunks of eight.
  expect(worthReading(pull)).toBe(16)
  pull.inFlight.noteRead(10, 0)
  expect(worthReading(pull)).toBe(Math.ceil(16 / 0.7))
})

test('what is claimed after its call has ended is given back', async () => {
  const { machine, pull, storage, stored } = await setUp([row('a')])
  const stop = new AbortController()
  const { Call } = await import('../../../src/engine/call.ts')
  const context = { ...pull.context, call: new Call(machine, stop.signal) }
  const apply = storage.apply.bind(storage)
  storage.apply = async (operation) => {
    stop.abort(new Error('gave up'))
    await new Promise(setImmediate)
    return apply(operation)
  }
  await expect(claim({ ...pull, context }, row('a'))).rejects.toThrow('gave up')
  storage.apply = apply
  for (let i = 0; i < 20; i++) await new Promise(setImmediate)
  expect(await stored('a')).not.toHaveProperty('r')
})
