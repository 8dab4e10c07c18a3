/**
 * The search for a linearization of one key.
 *
 * - Depth first over the operations that may come next: Wing & Gong, "Testing and Verifying Concurrent
 *   Objects", JPDC 1993.
 * - No configuration (set of linearized operations, state) is visited twice: Lowe, "Testing for
 *   Linearizability", CCPE 2017, as in Knossos and Porcupine.
 * - Reads that fit are taken at once, for they can be moved forward in any linearization that has them later:
 *   a partial order reduction.
 *
 * Operations of unknown outcome stay open to the end, and n of them would give 2^n sets. Against that: those
 * that only read are dropped; equal ones are interchangeable, so only their number counts; they are tried
 * last, right before an operation that needs them (Lowe's just-in-time linearization), few at a time before
 * many; and a configuration is pruned when one was visited that differs only in having used fewer of them,
 * since whatever follows the one can follow the other.
 */
import type { Model } from './model.ts'
import { OpenOperations, type Used, usesAtMost } from './open-operations.ts'
import type { Operation } from './operations.ts'
import { type StateNode, StateTable } from './state-table.ts'

/** The furthest point that the search reached. */
export interface Blocked<State> {
  prefix: Operation[]
  state: State
  stuck: Operation
  candidates: Operation[]
}

export interface SearchResult<State> {
  verdict: 'valid' | 'invalid' | 'undecided'
  configurations: number
  blocked?: Blocked<State>
}

/** A state, and the open operations that were used to get there. */
interface Opened<State> {
  node: StateNode<State>
  used: Used
  via: readonly Operation[]
}

interface Configuration<State> extends Opened<State> {
  /** All known operations before this index are linearized, */
  from: number
  /** and these at or after it. Ascending. */
  extras: readonly number[]
  parent: Configuration<State> | undefined
}

const INFINITY = Number.POSITIVE_INFINITY

// How many open operations may take effect in a row, tried in turn: the last says no only when there is none
const CHAIN_LIMITS = [1, 3, INFINITY]

/** Searches for a linearization of operations (without failed ones) on one key. */
export function search<State>(
  model: Model<State>,
  key: string,
  operations: readonly Operation[],
  maxConfigurations: number,
): SearchResult<State> {
  const { operations: prepared = operations, hopeless } = model.prepare?.(operations) ?? {}
  const one = new Search(model, key, prepared, maxConfigurations, hopeless)
  for (const limit of CHAIN_LIMITS) {
    const verdict = one.run(limit)
    if (verdict !== 'limited') return { verdict, configurations: one.configurations, blocked: one.blocked() }
  }
  throw new Error('a search without limit cannot be limited')
}

type Hopeless<State> = (state: State, operation: Operation, isDone: (it: Operation) => boolean) => boolean

class Search<State> {
  configurations = 0
  readonly #known: readonly Operation[]
  readonly #indexes = new Map<Operation, number>()
  readonly #reads: ReadonlySet<Operation>
  readonly #open: OpenOperations<State>
  readonly #states: StateTable<State>
  #visited = new Map<string, Used[]>()
  #furthest:
    | { at: Configuration<State>; candidates: Operation[]; horizon: number; length: number }
    | undefined
  #chainLimit = INFINITY
  #wasLimited = false

  constructor(
    model: Model<State>,
    readonly key: string,
    operations: readonly Operation[],
    readonly maxConfigurations: number,
    readonly hopeless: Hopeless<State> | undefined,
  ) {
    const readOnly = (operation: Operation): boolean => model.readOnly?.(operation) ?? false
    this.#known = operations.filter(({ outcome }) => outcome === 'ok').sort((a, b) => a.start - b.start)
    for (const [i, operation] of this.#known.entries()) this.#indexes.set(operation, i)
    this.#reads = new Set(this.#known.filter(readOnly))
    const open = operations.filter((it) => it.outcome === 'info' && !readOnly(it))
    this.#open = new OpenOperations(model, open)
    this.#states = new StateTable(model)
    this.start = this.#states.node(model.init(key))
  }

  readonly start: StateNode<State>

  run(chainLimit: number): 'valid' | 'invalid' | 'undecided' | 'limited' {
    this.#chainLimit = chainLimit
    this.#wasLimited = false
    this.#visited = new Map()
    if (this.#known.length === 0) return 'valid'
    const used = this.#open.none
    const first = { from: 0, extras: [], node: this.start, used, via: [], parent: undefined }
    this.#visit(first, first)
    const stack = [this.#successors(first)]
    while (stack.length > 0) {
      if (this.configurations > this.maxConfigurations) return 'undecided'
      const { done, value } = stack.at(-1)!.next()
      if (done) stack.pop()
      else if (value.from === this.#known.length) return 'valid'
      else if (this.#visit(value, value)) stack.push(this.#successors(value))
    }
    return this.#wasLimited ? 'limited' : 'invalid'
  }

  /** Where the search got stuck. */
  blocked(): Blocked<State> | undefined {
    if (!this.#furthest) return undefined
    const { at, candidates } = this.#furthest
    const path: (readonly Operation[])[] = []
    for (let it: Configuration<State> | undefined = at; it; it = it.parent) path.push(it.via)
    return { prefix: path.reverse().flat(), state: at.node.state, stuck: candidates[0]!, candidates }
  }

  /** Notes a configuration as visited; false when one at least as good was visited before. */
  #visit({ from, extras }: Configuration<State>, { node, used }: Opened<State>): boolean {
    const name = `${from}|${extras.join()}|${node.id}`
    const before = this.#visited.get(name)
    if (before?.some((other) => usesAtMost(other, used))) return false
    this.configurations++
    this.#visited.set(name, before ? [...before.filter((other) => !usesAtMost(used, other)), used] : [used])
    return true
  }

  /** Known operations that may come next: those invoked before the first completion still to be linearized. */
  #candidates({ from, extras }: Configuration<State>): Operation[] {
    const next: Operation[] = []
    let horizon = INFINITY
    let e = 0
    for (let i = from; i < this.#known.length && this.#known[i]!.start <= horizon; i++) {
      if (extras[e] === i) e++
      else {
        next.push(this.#known[i]!)
        horizon = Math.min(horizon, this.#known[i]!.end)
      }
    }
    return next.sort((a, b) => a.end - b.end)
  }

  #advance(
    parent: Configuration<State>,
    operation: Operation,
    opened: Opened<State>,
    node: StateNode<State>,
  ) {
    const index = this.#indexes.get(operation)!
    let { from, extras } = parent
    if (index === from) {
      let skip = 0
      for (from++; extras[skip] === from; from++) skip++
      if (skip > 0) extras = extras.slice(skip)
    } else {
      const place = extras.findIndex((extra) => extra > index)
      extras = place < 0 ? [...extras, index] : [...extras.slice(0, place), index, ...extras.slice(place)]
    }
    return { from, extras, node, used: opened.used, parent, via: [...opened.via, operation] }
  }

  #note(at: Configuration<State>, candidates: Operation[]): void {
    const horizon = candidates[0]!.end
    const length = at.from + at.extras.length
    const best = this.#furthest
    if (best && (horizon < best.horizon || (horizon === best.horizon && length <= best.length))) return
    this.#furthest = { at, candidates, horizon, length }
  }

  *#successors(at: Configuration<State>): Generator<Configuration<State>> {
    const next = this.#candidates(at)
    this.#note(at, next)
    const available = this.#open.availableAt(next[0]!.end)
    const queue: Opened<State>[] = [{ node: at.node, used: at.used, via: [] }]
    for (let q = 0; q < queue.length; q++) {
      const here = queue[q]!
      const { node, used, via } = here
      if (this.hopeless && this.#isHopeless(at, here, next)) continue
      const read = next.find((it) => this.#reads.has(it) && this.#states.step(node, it))
      if (read) {
        yield this.#advance(at, read, here, node)
        continue
      }
      for (const operation of next) {
        const after = this.#states.step(node, operation)
        if (after) yield this.#advance(at, operation, here, after)
      }
      if (this.configurations > this.maxConfigurations) return
      for (const [operation, usedThen] of this.#open.worthwhile(node.state, used, available, next)) {
        const after = this.#states.step(node, operation)
        if (!after) continue
        if (via.length >= this.#chainLimit) {
          this.#wasLimited = true
          break
        }
        const opened = { node: after, used: usedThen, via: [...via, operation] }
        if (this.#visit(at, opened)) queue.push(opened)
      }
    }
  }

  #isHopeless(
    { from, extras }: Configuration<State>,
    { node, used }: Opened<State>,
    next: Operation[],
  ): boolean {
    const isDone = (operation: Operation): boolean => {
      const index = this.#indexes.get(operation)
      if (index === undefined) return this.#open.isUsed(operation, used)
      return index < from || extras.includes(index)
    }
    return next.some((operation) => this.hopeless!(node.state, operation, isDone))
  }
}
