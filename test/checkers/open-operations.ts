/** The operations of unknown outcome on one key, grouped so that equal ones are interchangeable. */
import type { Model, Open } from './model.ts'
import type { Operation } from './operations.ts'
import { canonical } from './report.ts'

/** How many of each group took effect. */
export type Used = readonly number[]

/** Whether a used no more of any group than b: whatever can follow b can then follow a. */
export function usesAtMost(a: Used, b: Used): boolean {
  for (let i = 0; i < a.length; i++) if (a[i]! > b[i]!) return false
  return true
}

export class OpenOperations<State> {
  readonly #model: Model<State>
  /** Operations that do the same, in order of invocation: the earliest is always used first. */
  readonly #groups: readonly (readonly Operation[])[]
  readonly #places = new Map<Operation, readonly [number, number]>()

  constructor(model: Model<State>, operations: readonly Operation[]) {
    this.#model = model
    const groups = new Map<string, Operation[]>()
    for (const operation of [...operations].sort((a, b) => a.start - b.start)) {
      const name = `${operation.op} ${canonical(operation.input)}`
      const group = groups.get(name)
      if (group) group.push(operation)
      else groups.set(name, [operation])
    }
    this.#groups = [...groups.values()]
    this.#groups.forEach((group, g) => {
      for (const [i, operation] of group.entries()) this.#places.set(operation, [g, i])
    })
  }

  get none(): Used {
    return this.#groups.map(() => 0)
  }

  isUsed(operation: Operation, used: Used): boolean {
    const [group, index] = this.#places.get(operation)!
    return index < used[group]!
  }

  /** How many of each group were invoked by a moment. */
  availableAt(moment: number): Used {
    return this.#groups.map((group) => {
      let count = 0
      while (count < group.length && group[count]!.start <= moment) count++
      return count
    })
  }

  /** The next of each group that is worth executing before one of `next`, and what is used then. */
  worthwhile(state: State, used: Used, available: Used, next: readonly Operation[]): [Operation, Used][] {
    const left: Open[] = []
    const groups: number[] = []
    for (let g = 0; g < available.length; g++) {
      const count = available[g]! - used[g]!
      if (count <= 0) continue
      left.push([this.#groups[g]![used[g]!]!, count])
      groups.push(g)
    }
    if (left.length === 0) return []
    const wanted = left.map(() => false)
    for (const operation of next) {
      const useful = this.#model.useful?.(state, operation, left)
      for (let i = 0; i < left.length; i++) if (useful?.[i] ?? true) wanted[i] = true
    }
    return left.flatMap(([operation], i) => {
      const g = groups[i]!
      return wanted[i] ? [[operation, used.with(g, used[g]! + 1)] as [Operation, Used]] : []
    })
  }
}
