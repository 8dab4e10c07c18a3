import type { Operation } from './operations.ts'

/** A sequential specification: what an operation does to a state when nothing else is going on. */
export interface Model<State> {
  readonly name: string
  init(key: string): State
  /** Whether the operation can happen in this state with the result it had, and the state after it. */
  step(state: State, operation: Operation): readonly [boolean, State]
  /** Equal states, and only they, have equal keys. */
  key(state: State): string
  /** Whether the operation, with the result it had, leaves every state in which it is possible as it was. */
  readOnly?(operation: Operation): boolean
  /**
   * Which of `open` (each may be executed as often as its count) may be worth executing first, as the start of a
   * chain of them that makes `operation` possible or leads it somewhere else than right now. May err on the
   * side of true. Saves trying all subsets of operations of unknown outcome where arithmetic tells that none
   * will do. Default: all.
   */
  useful?(state: State, operation: Operation, open: readonly Open[]): readonly boolean[]
  /** Looks at all operations of a key before the search. */
  prepare?(operations: readonly Operation[]): Prepared<State>
}

/** An operation of unknown outcome, and how many like it are left. */
export type Open = readonly [Operation, number]

export interface Prepared<State> {
  /** The operations with values that nobody saw made equal, so that more of them are interchangeable. */
  operations?: readonly Operation[]
  /**
   * Whether an operation can never happen any more once this state was reached; `isDone` tells which others
   * are linearized. May err on the side of false.
   */
  hopeless?(state: State, operation: Operation, isDone: (operation: Operation) => boolean): boolean
}
