/** Keeps one node per distinct state of a model, so that states compare by identity and steps are done once. */
import type { Model } from './model.ts'
import type { Operation } from './operations.ts'

export interface StateNode<State> {
  readonly state: State
  readonly id: number
  /** Where operations lead from here; undefined for those that are not possible. */
  readonly steps: Map<Operation, StateNode<State> | undefined>
}

export class StateTable<State> {
  readonly #nodes = new Map<string, StateNode<State>>()
  readonly #model: Model<State>

  constructor(model: Model<State>) {
    this.#model = model
  }

  node(state: State): StateNode<State> {
    const key = this.#model.key(state)
    let node = this.#nodes.get(key)
    if (!node) {
      node = { state, id: this.#nodes.size, steps: new Map() }
      this.#nodes.set(key, node)
    }
    return node
  }

  step(from: StateNode<State>, operation: Operation): StateNode<State> | undefined {
    if (from.steps.has(operation)) return from.steps.get(operation)
    const [possible, state] = this.#model.step(from.state, operation)
    const node = possible ? this.node(state) : undefined
    from.steps.set(operation, node)
    return node
  }
}
