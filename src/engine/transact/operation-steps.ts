import type { AtomicDbOperation, TransactResult } from '../../interface.ts'
import type { Context } from '../context.ts'
import type { RowStep } from './row-step.ts'

/**
 * What a transaction of this engine can contain. Each part of the engine brings its own operations, so that an engine
 * without the queue does without the queue's code.
 */

type Type = AtomicDbOperation['type']
export type OfType<T extends Type> = Extract<AtomicDbOperation, { type: T }>

/** Where an operation stands in the list, and what it adds to the result. */
export interface Place {
  context: Context
  index: number
  /** Its name in errors: `operations[3]`. */
  field: string
  result: TransactResult
}

/** The steps of each type of operation: one for each row. */
export type OperationSteps = {
  readonly [T in Type]?: (operation: OfType<T>, place: Place) => RowStep | RowStep[]
}

/** Called before a commit: returns the context that it is sent with. */
export type Prepared = (context: Context, result: TransactResult) => Promise<Context>

/** Called after a commit: what a process remembers of these rows has changed. */
export type Committed = (
  context: Context,
  operations: readonly AtomicDbOperation[],
  result: TransactResult,
) => Promise<void>
