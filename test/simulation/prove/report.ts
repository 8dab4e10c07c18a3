import { sdkFaults } from '../../../src/testing/faults/kinds.ts'
import { connectFaults, proxyFaults, socketFaults } from '../../../src/testing/proxy/index.ts'
import type { CrashResult } from '../crash/bank.ts'
import type { Finding } from '../judge.ts'
import { allFaults } from '../run.ts'

interface Part {
  operations: number
  seconds: number
  histories: number
  faults: Record<string, number>
  findings: (Finding & { seed: number })[]
}

export type LocalPart = Part & { runs: number; proxy: boolean }

export interface ProofReport {
  version: string
  node: string
  seconds: number
  sim: Part & { seeds: number; simulatedMs: number; events: number; progress: [number, number][] }
  drills: Part & { runs: number }
  local: LocalPart
  crash?: CrashResult
}

const emptyPart = (faults: readonly string[]): Part => ({
  operations: 0,
  seconds: 0,
  histories: 0,
  faults: Object.fromEntries(faults.map((fault) => [fault, 0])),
  findings: [],
})

/** `proxy`: on DynamoDB Local the faults are in a proxy, not in the client. */
export const emptyReport = (version: string, proxy = false): ProofReport => ({
  version,
  node: process.version,
  seconds: 0,
  sim: { ...emptyPart(allFaults), seeds: 0, simulatedMs: 0, events: 0, progress: [] },
  drills: { ...emptyPart([]), runs: 0 },
  local: {
    ...emptyPart(proxy ? [...proxyFaults, ...connectFaults, ...socketFaults] : sdkFaults),
    runs: 0,
    proxy,
  },
})

export interface Wanted {
  seeds: number
  steps: number
  local: number
}

/** What the run was to reach and did not. */
export function missing(report: ProofReport, wanted: Wanted): string[] {
  const { sim, local } = report
  const unseen = (part: Part, where: string) =>
    Object.entries(part.faults).flatMap(([fault, count]) => (count === 0 ? [`${where}: no ${fault}`] : []))
  return [
    ...(sim.operations < wanted.seeds * wanted.steps ? [`simulation: ${sim.operations} operations`] : []),
    ...(local.operations < wanted.local ? [`DynamoDB Local: ${local.operations} operations`] : []),
    ...(wanted.seeds > 0 ? unseen(sim, 'simulation') : []),
    ...(wanted.local > 0 ? unseen(local, 'DynamoDB Local') : []),
  ]
}

export const allFindings = ({ sim, drills, local }: ProofReport): Part['findings'] => [
  ...sim.findings,
  ...drills.findings,
  ...local.findings,
]

const perSecond = (count: number, seconds: number): string =>
  seconds > 0 ? `${Math.round(count / seconds).toLocaleString('en')}/s` : '-'

const count = (value: number): string => Math.round(value).toLocaleString('en')

export function summary(report: ProofReport): [string, string][] {
  const { sim, drills, local, crash } = report
  return [
    [
      'simulation',
      `${count(sim.operations)} operations over ${count(sim.seeds)} seeds in ${sim.seconds.toFixed(0)} s (${perSecond(sim.operations, sim.seconds)})`,
    ],
    [
      'simulated time',
      `${count(sim.simulatedMs / 1000)} s, ${count(sim.simulatedMs / 1000 / (sim.seconds || 1))} times real time, ${count(sim.events)} events`,
    ],
    [
      'drills',
      `${count(drills.operations)} operations in ${count(drills.runs)} runs of ${drills.seconds.toFixed(0)} s (${perSecond(drills.operations, drills.seconds)})`,
    ],
    [
      'DynamoDB Local',
      `${count(local.operations)} operations ${local.proxy ? 'through fault proxies ' : ''}in ${local.seconds.toFixed(0)} s (${perSecond(local.operations, local.seconds)})`,
    ],
    [
      'crash test',
      crash
        ? `${crash.kills} processes killed, ${count(crash.operations)} operations, total ${crash.total} of ${crash.expected}`
        : 'not run',
    ],
    ['histories checked', count(sim.histories + drills.histories + local.histories)],
    ['anomalies', count(allFindings(report).length)],
  ]
}

export function terminalReport(report: ProofReport): string {
  const table = (rows: [string, string][]) =>
    rows.map(([name, value]) => `  ${name.padEnd(18)} ${value}`).join('\n')
  const faults = (part: Part) =>
    table(Object.entries(part.faults).map(([name, times]) => [name, count(times).padStart(10)]))
  const findings = allFindings(report)
    .slice(0, 10)
    .map((one) => `  seed ${one.seed}@${report.version}: ${one.kind}: ${one.message.split('\n')[0]}`)
  return [
    table(summary(report)),
    'faults in simulation',
    faults(report.sim),
    'faults in the drills',
    faults(report.drills),
    'faults on DynamoDB Local',
    faults(report.local),
    ...findings,
    `${report.seconds.toFixed(0)} s in all`,
  ].join('\n')
}
