/** Sequential models for the linearizability checker: counter, item with conditional updates. */
import { applyUpdate, type Item, type ItemUpdate, isRefused, itemUseful, meets } from './item-model.ts'
import type { Model } from './model.ts'
import type { Operation } from './operations.ts'
import { canonical } from './report.ts'
import { reachableSums } from './sums.ts'
import { hopelessByWriter, maskUnseen } from './unseen.ts'

const texts = new WeakMap<object, string>()

/** States and results are compared very often and never changed. */
function textOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return canonical(value ?? null)
  let text = texts.get(value)
  if (text === undefined) {
    text = canonical(value)
    texts.set(value, text)
  }
  return text
}

const same = (a: unknown, b: unknown): boolean => a === b || textOf(a) === textOf(b)

const unknownOp = (model: string, operation: Operation): never => {
  throw new Error(`the ${model} model does not know the operation ${JSON.stringify(operation.op)}`)
}

export interface CounterModelOptions {
  initial?: number
  /** An `add` that would leave the bounds is refused: it changes nothing and gives false. */
  min?: number
  max?: number
}

/**
 * A counter. `add` takes the amount and gives the new value, or nothing when it was not asked for, or false
 * when it was refused; `read` gives the value.
 */
export function counterModel(options: CounterModelOptions = {}): Model<number> {
  const { initial = 0, min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = options
  const bounded = options.min !== undefined || options.max !== undefined
  const within = (value: number): boolean => value >= min && value <= max
  const isBlind = ({ output }: Operation): boolean => typeof output !== 'number' && output !== false
  return {
    name: 'counter',
    init: () => initial,
    key: String,
    step(state, operation) {
      const { op, input, output, outcome } = operation
      if (op === 'read') return [outcome !== 'ok' || output === state, state]
      if (op !== 'add') return unknownOp('counter', operation)
      const next = state + (input as number)
      if (outcome === 'ok' && output === false) return [!within(next), state]
      return [within(next) && (outcome !== 'ok' || isBlind(operation) || output === next), next]
    },
    readOnly: ({ op, outcome, output }) => op === 'read' || (outcome === 'ok' && output === false),
    useful(state, operation, open) {
      const { op, input, output } = operation
      const all = (useful: boolean) => open.map(() => useful)
      // Without bounds additions commute: one that shows nothing can as well come first
      if (op === 'add' && isBlind(operation)) return all(bounded)
      const sums = reachableSums(open.map(([it, count]) => [it.input as number, count]))
      if (sums === undefined || output === false) return all(true)
      const wanted = (output as number) - (op === 'add' ? (input as number) : 0)
      return all(wanted !== state && sums.has(wanted - state))
    },
    prepare(operations) {
      const amounts = operations.filter(({ op }) => op === 'add').map(({ input }) => input as number)
      if (amounts.some((amount) => amount < 0)) return {}
      // What only grows never comes back to a value that it has left
      return {
        hopeless: (state, { op, input, output }) =>
          typeof output === 'number' && output < state + (op === 'add' ? (input as number) : 0),
      }
    },
  }
}

/**
 * An item of flat fields. `get` gives the item or null; `set` takes the item; `delete` takes nothing; `update`
 * takes an {@link ItemUpdate} and gives `{ applied, item? }`, where the item is the one after the update, or the
 * current one when it was not applied. An `update` without condition creates a missing item.
 */
export function itemModel(initial: Item | null = null): Model<Item | null> {
  const result = ({ output }: Operation) => output as { applied: boolean; item?: Item | null }
  return {
    name: 'map item',
    init: () => initial,
    key: textOf,
    step(state, operation) {
      const { op, input, output, outcome } = operation
      if (op === 'get') return [outcome !== 'ok' || same(state, output), state]
      if (op === 'set') return [true, input as Item]
      if (op === 'delete') return [true, null]
      if (op !== 'update') return unknownOp('map item', operation)
      const update = input as ItemUpdate
      const met = meets(state, update.if)
      const shows = outcome === 'ok' && result(operation)?.item !== undefined
      if (isRefused(operation)) return [!met && (!shows || same(state, result(operation).item)), state]
      if (!met) return [false, state]
      const next = applyUpdate(state, update)
      return [!shows || same(next, result(operation).item), next]
    },
    readOnly: (operation) => operation.op === 'get' || isRefused(operation),
    useful: itemUseful,
    prepare: (all) => {
      const operations = maskUnseen(all)
      return { operations, hopeless: hopelessByWriter(operations, initial) }
    },
  }
}
