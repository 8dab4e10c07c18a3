import type { AtomicDbOperation, CallOptions } from '../interface.ts'

/**
 * What must hold when a write leaves this process, however long it was frozen since it was planned: a property of the
 * options of `update`, of operations of `transact`, or of a transaction. A check that throws keeps the write from being
 * sent; what it throws reaches the caller, unless an earlier try was left without a reply.
 */
export const lastMoment: unique symbol = Symbol.for('lockrow.lastMoment') as never

/** Throws when the write must not be sent any more. */
export type LastCheck = () => void

/** Something with checks. */
export interface Checked {
  [lastMoment]?: LastCheck | undefined
}

/** The same options, with a check. */
export const withCheck = <O extends CallOptions>(options: O, check: LastCheck): O & Checked => ({
  ...options,
  [lastMoment]: check,
})

/** The checks of operations, each once. */
export function checksOf(operations: readonly AtomicDbOperation[]): LastCheck[] {
  const found = new Set<LastCheck>()
  for (const operation of operations) {
    const check = (operation as Checked | undefined)?.[lastMoment]
    if (check) found.add(check)
  }
  return [...found]
}

const transactions = new WeakMap<object, Set<LastCheck>>()

/** The transaction commits only while this holds. */
export function checkAtCommit(tx: object, check: LastCheck): void {
  const known = transactions.get(tx)
  if (known) known.add(check)
  else transactions.set(tx, new Set([check]))
}

/** All checks of a transaction as one. */
export function checkOfTransaction(tx: object): LastCheck | undefined {
  const checks = transactions.get(tx)
  if (!checks) return undefined
  return () => {
    for (const check of checks) check()
  }
}
