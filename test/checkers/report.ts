/** What every checker returns, and how it prints operations. */
import type { Operation } from './operations.ts'

/** One thing that must not happen, with the operations that show it. */
export interface Anomaly<Kind extends string = string> {
  kind: Kind
  /** One sentence, or several lines, for a human. */
  message: string
  key?: string
  operations: Operation[]
}

export interface CheckReport<Kind extends string = string, Stats = Record<string, number>> {
  /** True only for `valid`: an undecided check is not a passed one. */
  ok: boolean
  verdict: 'valid' | 'invalid' | 'undecided'
  anomalies: Anomaly<Kind>[]
  stats: Stats
}

/** A report of these anomalies. */
export function report<Kind extends string, Stats>(
  anomalies: Anomaly<Kind>[],
  stats: Stats,
): CheckReport<Kind, Stats> {
  const ok = anomalies.length === 0
  return { ok, verdict: ok ? 'valid' : 'invalid', anomalies, stats }
}

/** The anomalies as text, the first few in full. */
export function formatReport(result: CheckReport<string, unknown>, limit = 10): string {
  const lines = [`${result.verdict}: ${result.anomalies.length} anomalies`]
  for (const anomaly of result.anomalies.slice(0, limit)) lines.push(`[${anomaly.kind}] ${anomaly.message}`)
  if (result.anomalies.length > limit) lines.push(`... and ${result.anomalies.length - limit} more`)
  return lines.join('\n')
}

export const show = (value: unknown): string => JSON.stringify(value) ?? 'nothing'

/** `#12 client 3 write "k" 5 -> ok [10, 14]` */
export function showOperation(operation: Operation): string {
  const { id, client, op, key, input, outcome, output, startAt, endAt } = operation
  const result =
    outcome === 'info' ? 'unknown outcome' : output === undefined ? outcome : `${outcome} ${show(output)}`
  const times = `[${startAt}, ${endAt === Number.POSITIVE_INFINITY ? 'never ended' : endAt}]`
  return `#${id} client ${client} ${op}${key === '' ? '' : ` ${show(key)}`} ${show(input)} -> ${result} ${times}`
}

/** JSON with sorted names, so that equal values give equal text. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const record = value as Record<string, unknown>
  const names = Object.keys(record).filter((name) => record[name] !== undefined)
  return `{${names
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonical(record[name])}`)
    .join(',')}}`
}
