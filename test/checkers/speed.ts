/**
 * `npm run prove:checkers`: how long the checkers take for 10,000 operations by 32 clients, some of unknown outcome
 * (target: 10 s each), on histories that are right and on the same with one result spoiled.
 */
import { Random } from '../../src/testing/random.ts'
import { checkHolds } from './holds.ts'
import { checkLinearizability } from './linearizability.ts'
import { checkMessages } from './messages.ts'
import { counterModel, itemModel } from './models.ts'
import { checkNumbers } from './numbers.ts'
import type { Operation } from './operations.ts'
import { checkSerializability, type MicroOp } from './serializability.ts'

const clients = 32
const never = Number.POSITIVE_INFINITY

/** What one operation does to the state at its moment; the result. */
type Act<State> = (
  state: State,
  random: Random,
  id: number,
) => { op: string; key?: string; input: unknown; output: unknown }

/** Clients that each do one operation after another; each takes effect at a random moment of its time. */
export function made<State>(total: number, seed: number, state: State, act: Act<State>): Operation[] {
  const random = new Random(seed)
  const times = Array.from({ length: clients }, () => random.between(0, 10))
  const planned = Array.from({ length: total }, (_, id) => {
    const client = id % clients
    const startAt = times[client]! + random.between(0, 3)
    const end = startAt + random.between(1, 10)
    times[client] = end
    const unknown = random.chance(0.02)
    // Of unknown outcome: never, or at any time later.
    const moment = !unknown
      ? random.between(startAt, end)
      : random.chance(0.5)
        ? never
        : end + random.between(0, 50)
    return { id, client, startAt, end: unknown ? never : end, moment }
  })
  const operations: Operation[] = []
  for (const { id, client, startAt, end, moment } of [...planned].sort((a, b) => a.moment - b.moment)) {
    // What never happened changes nothing that others can see.
    const {
      op,
      key = 'k',
      input,
      output,
    } = act(moment === never ? structuredClone(state) : state, random, id)
    const outcome = end === never ? 'info' : 'ok'
    const shown = outcome === 'ok' ? output : undefined
    operations.push({
      id,
      client,
      op,
      key,
      input,
      output: shown,
      outcome,
      start: startAt,
      end,
      startAt,
      endAt: end,
    })
  }
  return operations.sort((a, b) => a.start - b.start)
}

type Verdict = { verdict: string; anomalies: readonly unknown[] }

export const subjects: Record<
  string,
  { history: (total: number) => Operation[]; check: (all: Operation[]) => Verdict }
> = {
  // Updates that show the item, so that their order is known. Of overwrites that nobody reads 32 at once on one key
  // are too many for any such search, since every order of them will do.
  'linearizability, one item': {
    history: (total) =>
      made(total, 1, { item: null as { n: number; v: string } | null }, (state, random, id) => {
        if (random.chance(0.5)) return { op: 'get', input: undefined, output: state.item }
        const v = `v${id}`
        const condition = random.chance(0.5) && state.item ? { if: { v: state.item.v } } : {}
        state.item = { n: (state.item?.n ?? 0) + 1, v }
        const input = { ...condition, add: { n: 1 }, set: { v } }
        return { op: 'update', input, output: { applied: true, item: state.item } }
      }),
    check: (all) => checkLinearizability(all, itemModel()),
  },
  'linearizability, one counter with results': {
    history: (total) =>
      made(total, 2, { sum: 0 }, (state, random) => {
        const n = 1 + random.int(5)
        state.sum += n
        return { op: 'add', input: n, output: state.sum }
      }),
    check: (all) => checkLinearizability(all, counterModel()),
  },
  'linearizability, ten items': {
    history: (total) =>
      made(total, 3, {} as Record<string, { n: number } | undefined>, (state, random, id) => {
        const key = `k${random.int(10)}`
        const kind = random.int(4)
        if (kind === 0) return { op: 'get', key, input: undefined, output: state[key] ?? null }
        if (kind === 1) {
          state[key] = { n: id }
          return { op: 'set', key, input: { n: id }, output: undefined }
        }
        const item = { n: (state[key]?.n ?? 0) + 1 }
        state[key] = item
        return { op: 'update', key, input: { add: { n: 1 } }, output: { applied: true, item } }
      }),
    check: (all) => checkLinearizability(all, itemModel()),
  },
  'serializability, lists': {
    history: (total) =>
      made(total, 4, {} as Record<string, number[]>, (state, random, id) => {
        const keys = [`l${random.int(20)}`, `l${20 + random.int(20)}`]
        const parts = keys.flatMap((key, i): MicroOp[] => {
          const list = state[key] ?? []
          state[key] = list
          const seen: MicroOp = ['r', key, [...list]]
          if (random.chance(0.5)) return [seen]
          list.push(2 * id + i)
          return [seen, ['append', key, 2 * id + i]]
        })
        return { op: 'txn', key: 'lists', input: parts, output: parts }
      }),
    check: checkSerializability,
  },
  holds: {
    history: (total) => mutexHistory(total),
    check: (all) => checkHolds(all),
  },
  messages: {
    history: (total) => queueHistory(total),
    check: (all) => checkMessages(all, { strict: true }),
  },
  numbers: {
    history: (total) => [
      ...made(total / 2, 5, { next: 0 }, (state) => ({
        op: 'assign',
        input: undefined,
        output: state.next++,
      })),
      ...made(total / 2, 6, {}, () => ({ op: 'add', input: 1, output: undefined })),
    ],
    check: (all) => checkNumbers(all),
  },
}

const done = (
  id: unknown,
  client: number,
  op: string,
  at: number,
  input: unknown,
  output?: unknown,
): Operation => ({
  id: id as number,
  client,
  op,
  key: 'k',
  outcome: 'ok',
  input,
  output,
  start: at,
  end: at + 1,
  startAt: at,
  endAt: at + 1,
})

/** Acquire, write, release, one client after another. */
function mutexHistory(total: number): Operation[] {
  return Array.from({ length: Math.floor(total / 3) }, (_, i) => {
    const client = i % clients
    return [
      done(`a${i}`, client, 'acquire', i * 10, { ttl: 100 }, { token: i }),
      done(`w${i}`, client, 'write', i * 10 + 2, { token: i }, true),
      done(`r${i}`, client, 'release', i * 10 + 4, { holder: `a${i}` }),
    ]
  }).flat()
}

/** Push, pull, acknowledge in 50 groups. */
function queueHistory(total: number): Operation[] {
  return Array.from({ length: Math.floor(total / 3) }, (_, i) => {
    const client = i % clients
    const held = { id: i, receipt: `r${i}` }
    return [
      done(`p${i}`, client, 'push', i * 10, { ids: [i], group: `g${i % 50}` }),
      done(`g${i}`, client, 'pull', i * 10 + 2, { ttl: 100 }, [{ ...held, count: 1 }]),
      done(`a${i}`, client, 'ack', i * 10 + 4, held),
    ]
  }).flat()
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  let missed = false
  for (const [name, { history, check }] of Object.entries(subjects)) {
    const all = history(10_000)
    const begun = performance.now()
    const { verdict } = check(all)
    const seconds = (performance.now() - begun) / 1000
    const met = verdict === 'valid' && seconds < 10
    missed ||= !met
    const unknown = all.filter(({ outcome }) => outcome === 'info').length
    console.log(
      `${met ? 'reached' : 'MISSED '}  ${name}: ${seconds.toFixed(2)} s, ${verdict} (${all.length} operations, ${unknown} of unknown outcome; target 10 s)`,
    )
  }
  process.exit(missed ? 1 : 0)
}
