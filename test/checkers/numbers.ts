/**
 * Counters and numbers that are given out once.
 *
 * - `add` n, and `read` -> the sum: with nothing else going on, it is that of what was confirmed, and of some of what
 *   is unknown
 * - `give back` n: it may be assigned once more
 * - `assign` -> a number: never twice, and with `contiguous` no gap but what an unknown assignment took
 * - `run` -> value: callers of one key are all told the same
 */
import type { Operation } from './operations.ts'
import { type Anomaly, type CheckReport, report, showOperation } from './report.ts'
import { reachableSums } from './sums.ts'

export type NumberAnomaly = 'sum' | 'out of bounds' | 'assigned twice' | 'gap' | 'two results'

export interface NumberOptions {
  min?: number
  max?: number
  /** Numbers are given out without gaps, from this one on. */
  contiguousFrom?: number
}

export function checkNumbers(
  operations: readonly Operation[],
  options: NumberOptions = {},
): CheckReport<NumberAnomaly> {
  const anomalies: Anomaly<NumberAnomaly>[] = []
  for (const key of new Set(operations.map((one) => one.key))) {
    const own = operations.filter((one) => one.key === key)
    const found = (kind: NumberAnomaly, message: string, ...shown: Operation[]) =>
      anomalies.push({
        kind,
        key,
        message: [message, ...shown.map(showOperation)].join('\n'),
        operations: shown,
      })
    sums(own, options, found)
    assignments(own, options, found)
    results(own, found)
  }
  return report(anomalies, { operations: operations.length })
}

type Found = (kind: NumberAnomaly, message: string, ...shown: Operation[]) => void

function sums(own: readonly Operation[], { min, max }: NumberOptions, found: Found): void {
  const reads = own.filter(({ op, outcome }) => op === 'read' && outcome === 'ok')
  for (const read of reads) {
    const value = read.output as number
    if ((min !== undefined && value < min) || (max !== undefined && value > max))
      found('out of bounds', `${value} is not within ${min} to ${max}`, read)
  }
  const adds = own.filter(({ op }) => op === 'add')
  const last = reads.at(-1)
  // Only a read behind everything says what the sum is.
  if (!last || adds.some(({ end, outcome }) => outcome === 'ok' && end > last.start)) return
  const amount = ({ input }: Operation): number => input as number
  const sure = adds.filter(({ outcome }) => outcome === 'ok').reduce((sum, one) => sum + amount(one), 0)
  const counts = new Map<number, number>()
  for (const one of adds)
    if (one.outcome === 'info') counts.set(amount(one), (counts.get(amount(one)) ?? 0) + 1)
  const possible = reachableSums([...counts])
  if (possible && !possible.has((last.output as number) - sure))
    found('sum', `confirmed additions make ${sure}, unknown ones cannot explain ${last.output}`, last)
}

function assignments(own: readonly Operation[], { contiguousFrom }: NumberOptions, found: Found): void {
  const assigned = new Map<number, Operation>()
  const assigns = own.filter(({ op }) => op === 'assign')
  for (const one of assigns) {
    if (one.outcome !== 'ok') continue
    const number = one.output as number
    const twin = assigned.get(number)
    // Each time it was given back allows another one.
    const times = assigns.filter((other) => other.outcome === 'ok' && other.output === number).length
    const back = own.filter(({ op, input }) => op === 'give back' && input === number).length
    if (twin && times > back + 1) found('assigned twice', `${number} was given out twice`, twin, one)
    assigned.set(number, one)
  }
  if (contiguousFrom === undefined || assigned.size === 0) return
  const highest = Math.max(...assigned.keys())
  const missing: number[] = []
  for (let n = contiguousFrom; n < highest; n++) if (!assigned.has(n)) missing.push(n)
  const unknown = assigns.filter(({ outcome }) => outcome === 'info').length
  if (missing.length > unknown)
    found('gap', `${missing.join(', ')} were not given out, and only ${unknown} outcomes are unknown`)
}

function results(own: readonly Operation[], found: Found): void {
  const runs = own.filter(({ op, outcome }) => op === 'run' && outcome === 'ok')
  const first = runs[0]
  for (const one of runs)
    if (one.output !== first!.output)
      found('two results', 'two callers were told different results', first!, one)
}
