import { AtomicDbError } from '../errors.ts'

/**
 * Thrown inside the callback of `transaction`: leaves it without writing anything and without an error; `transaction`
 * returns `value`. `tx.rollback(value)` throws it.
 */
export class Rollback extends AtomicDbError {
  static override readonly code = 'Rollback'
  readonly value: unknown

  constructor(value?: unknown) {
    super('the transaction was left without writing: this is no failure')
    this.value = value
  }
}
