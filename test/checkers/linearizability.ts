import type { Model } from './model.ts'
/**
 * Linearizability, key by key.
 *
 * A history is linearizable when every operation can be given one moment between its invocation and its
 * completion such that, executed in the order of these moments, a sequential model gives the same results.
 * Linearizability is local, so every key is checked alone. Herlihy & Wing, "Linearizability: A Correctness
 * Condition for Concurrent Objects", TOPLAS 1990.
 *
 * The search itself is in wing-gong.ts.
 */
import type { Operation } from './operations.ts'
import { type Anomaly, type CheckReport, showOperation } from './report.ts'
import { type Blocked, search } from './wing-gong.ts'

export type LinearizabilityStats = {
  keys: number
  operations: number
  unknown: number
  /** Configurations that the search visited. */
  configurations: number
}

export interface LinearizabilityAnomaly extends Anomaly<'not-linearizable'> {
  key: string
  /** An order in which everything up to the trouble can have happened. */
  prefix: Operation[]
  /** The operation that fits nowhere: all that completed before it can be ordered, together with it nothing can. */
  stuck: Operation
}

export interface LinearizabilityReport extends CheckReport<'not-linearizable', LinearizabilityStats> {
  anomalies: LinearizabilityAnomaly[]
  /** Keys given up after `maxConfigurations`. */
  undecided: string[]
}

export interface LinearizabilityOptions {
  /** Per key, before the check is given up as undecided. Default: 5 million. */
  maxConfigurations?: number
  /** How much of the prefix the message shows. Default: 10. */
  shownPrefix?: number
}

/**
 * Checks that the operations on every key are linearizable under a model.
 *
 * Failed operations did not happen. Those of unknown outcome may take effect at any time after their
 * invocation, or never.
 */
export function checkLinearizability<State>(
  operations: readonly Operation[],
  model: Model<State>,
  options: LinearizabilityOptions = {},
): LinearizabilityReport {
  const { maxConfigurations = 5_000_000, shownPrefix = 10 } = options
  const byKey = new Map<string, Operation[]>()
  for (const operation of operations) {
    if (operation.outcome === 'fail') continue
    const list = byKey.get(operation.key)
    if (list) list.push(operation)
    else byKey.set(operation.key, [operation])
  }
  const anomalies: LinearizabilityAnomaly[] = []
  const undecided: string[] = []
  let configurations = 0
  for (const [key, list] of byKey) {
    const result = search(model, key, list, maxConfigurations)
    configurations += result.configurations
    if (result.verdict === 'undecided') undecided.push(key)
    if (result.verdict === 'invalid') anomalies.push(explain(model, key, result.blocked!, shownPrefix))
  }
  const unknown = operations.filter(({ outcome }) => outcome === 'info').length
  const stats = { keys: byKey.size, operations: operations.length, unknown, configurations }
  const verdict = anomalies.length > 0 ? 'invalid' : undecided.length > 0 ? 'undecided' : 'valid'
  return { ok: verdict === 'valid', verdict, anomalies, undecided, stats }
}

function explain<State>(
  model: Model<State>,
  key: string,
  blocked: Blocked<State>,
  shownPrefix: number,
): LinearizabilityAnomaly {
  const { prefix, state, stuck, candidates } = blocked
  const indent = (operation: Operation): string => `    ${showOperation(operation)}`
  const lines = [`key ${JSON.stringify(key)} is not linearizable as a ${model.name}.`]
  const skipped = prefix.length - shownPrefix
  lines.push(`  ${prefix.length} operations can be put in an order, which ends with`)
  if (skipped > 0) lines.push(`    ... ${skipped} before`)
  lines.push(...prefix.slice(-shownPrefix).map(indent))
  lines.push(`  and leaves ${model.key(state)}. After no such order is there a place for`, indent(stuck))
  const others = candidates.filter((it) => it !== stuck)
  if (others.length > 0) lines.push('  concurrent with it and not placed either:', ...others.map(indent))
  const operations = [...prefix.slice(-shownPrefix), stuck, ...others]
  return { kind: 'not-linearizable', key, message: lines.join('\n'), operations, prefix, stuck }
}
