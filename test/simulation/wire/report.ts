import { connectFaults, socketFaults } from '../../../src/testing/proxy/index.ts'
import type { Finding } from '../judge.ts'
import { faultsOf, type WireTransport } from './plan.ts'
import type { WireRun } from './run.ts'
import type { CallCounts } from './watched.ts'

/** What a run says to the process that counts. */
export interface WireResult
  extends Pick<WireRun, 'seed' | 'operations' | 'requests' | 'faults' | 'lateWrites' | 'histories'> {
  mode: WireRun['plan']['mode']
  calls: Record<string, CallCounts>
  /** Of the runs with the library's own number of tries. */
  usual: boolean
  findings: Finding[]
  /** What happened around the first finding. */
  around: string[]
}

export interface WireReport {
  runs: Record<WireResult['mode'], number>
  operations: number
  requests: number
  lateWrites: number
  faults: Record<string, number>
  calls: Record<string, CallCounts>
  findings: (Finding & { seed: number })[]
}

export const emptyReport = (transport: WireTransport = 'sdk'): WireReport => ({
  runs: { plain: 0, lru: 0, rivals: 0 },
  operations: 0,
  requests: 0,
  lateWrites: 0,
  faults: Object.fromEntries(
    [...faultsOf(transport), ...connectFaults, ...socketFaults].map((name) => [name, 0]),
  ),
  calls: {},
  findings: [],
})

export function addResult(report: WireReport, result: WireResult): void {
  report.runs[result.mode]++
  report.operations += result.operations
  report.requests += result.requests
  report.lateWrites += result.lateWrites
  for (const [fault, count] of Object.entries(result.faults))
    report.faults[fault] = (report.faults[fault] ?? 0) + count
  for (const finding of result.findings) report.findings.push({ ...finding, seed: result.seed })
  // With fewer tries, and where actors share a client, nothing can be said of single calls.
  if (!result.usual) return
  for (const [kind, counts] of Object.entries(result.calls)) {
    const all = report.calls[kind]
    if (!all) report.calls[kind] = { ...counts }
    else
      for (const name of Object.keys(counts) as (keyof CallCounts)[])
        all[name] = name === 'mostThrottled' ? Math.max(all[name], counts[name]) : all[name] + counts[name]
  }
}

/** Faults that no run has met. */
export const unseenFaults = ({ faults }: WireReport): string[] =>
  Object.keys(faults).filter((fault) => faults[fault] === 0)

/** Of the calls of which a reply was lost and whose rows nobody wrote in between: how many were left in doubt. */
export function doubtful({ calls }: WireReport): { quiet: number; unknown: number } {
  let quiet = 0
  let unknown = 0
  for (const counts of Object.values(calls)) {
    quiet += counts.quiet
    unknown += counts.quietUnknown
  }
  return { quiet, unknown }
}

const share = (part: number, whole: number): string =>
  whole === 0 ? '-' : `${part} of ${whole} (${((100 * part) / whole).toFixed(1)} %)`

export function terminalReport(report: WireReport): string {
  const { runs, operations, requests, faults, lateWrites, calls } = report
  const { quiet, unknown } = doubtful(report)
  const lost = Object.entries(calls).filter(
    ([, of]) => of.quiet + of.frozen + of.contended + of.lostRequest > 0,
  )
  return [
    `${operations} operations, ${requests} requests, in ${runs.plain} plain runs, ${runs.rivals} with rivals, ${runs.lru} over the cache`,
    `faults: ${Object.entries(faults)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')}`,
    `late unconditional writes (not promised): ${lateWrites}`,
    `ended by the signals of their callers: ${Object.values(calls).reduce((sum, of) => sum + of.abandoned, 0)}`,
    `left in doubt, reply lost and nobody else wrote: ${share(unknown, quiet)}`,
    "apart from those in which the caller learned of it when the service had forgotten the token, or a request took over five minutes ('frozen')",
    `${'by kind of operation'.padEnd(26)}${'reply lost, quiet'.padEnd(24)}${'frozen'.padEnd(18)}${'reply lost, others wrote'.padEnd(26)}request lost`,
    ...lost.map(
      ([kind, of]) =>
        `  ${kind.padEnd(24)}${share(of.quietUnknown, of.quiet).padEnd(24)}${share(of.frozenUnknown, of.frozen).padEnd(18)}${share(of.contendedUnknown, of.contended).padEnd(26)}${share(of.lostRequestUnknown, of.lostRequest)}`,
    ),
    `false answers: ${report.findings.length}`,
  ].join('\n')
}
