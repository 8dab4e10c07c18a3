/**
 * Mutexes, semaphores and read-write locks: who could believe to hold what, and when, against what may be.
 *
 * Operations, by key (times in ms by one true clock):
 * - `acquire` { ttl, shared? } -> { token?, until? }   ok: held from now on, for ttl from its invocation or `until` as
 *      the holder believes; a wait that failed is `fail`
 * - `extend` { holder }        -> ok: held for another ttl, counted from the invocation
 * - `release` { holder }       from its invocation on it is given up, whatever comes of it
 * - `write` { token }          -> true: a write under this fencing token was accepted; false: it was refused
 * `holder` is the id of the acquisition. A client that is gone (crashed) stops holding: `gone` { } by client.
 *
 * Fencing: M. Kleppmann, "How to do distributed locking", 2016; leases: Gray & Cheriton, SOSP 1989.
 */
import type { Operation } from './operations.ts'
import { type Anomaly, type CheckReport, report, showOperation } from './report.ts'

export type HoldAnomaly =
  | 'too many holders'
  | 'reader beside a writer'
  | 'token not growing'
  | 'token twice'
  | 'stale fence accepted'

export interface HoldOptions {
  /** Exclusive holders at once. Default 1. */
  permits?: number
}

interface Hold {
  operation: Operation
  from: number
  to: number
  shared: boolean
  token: number | undefined
}

interface AcquireInput {
  ttl: number | null
  shared?: boolean
}

const ok = (operation: Operation): boolean => operation.outcome === 'ok'

/** Checks one key or several, each by itself. */
export function checkHolds(
  operations: readonly Operation[],
  { permits = 1 }: HoldOptions = {},
): CheckReport<HoldAnomaly> {
  const anomalies: Anomaly<HoldAnomaly>[] = []
  const keys = new Set(operations.map(({ key }) => key))
  let count = 0
  for (const key of keys) {
    const own = operations.filter((operation) => operation.key === key)
    const holds = holdsOf(own, operations)
    count += holds.length
    overlaps(holds, permits, key, anomalies)
    tokens(holds, key, anomalies)
    fences(own, key, anomalies)
  }
  return report(anomalies, { holds: count })
}

/** From the reply to the acquisition on, until the holder must know that it is over. */
function holdsOf(own: readonly Operation[], all: readonly Operation[]): Hold[] {
  const gone = new Map(all.filter(({ op }) => op === 'gone').map(({ client, startAt }) => [client, startAt]))
  return own
    .filter((operation) => operation.op === 'acquire' && ok(operation))
    .map((operation) => {
      const { ttl, shared = false } = operation.input as AcquireInput
      const about = own.filter(
        ({ input }) => (input as { holder?: unknown } | undefined)?.holder === operation.id,
      )
      const renewed = about.filter(({ op, outcome }) => op === 'extend' && outcome === 'ok')
      const told = operation.output as { token?: number; until?: number } | undefined
      const first = told?.until ?? operation.startAt + (ttl ?? Number.POSITIVE_INFINITY)
      const later = renewed.map(({ startAt }) => startAt + (ttl ?? Number.POSITIVE_INFINITY))
      const end = Math.max(first, ...later)
      const released = about.filter(({ op }) => op === 'release').map(({ startAt }) => startAt)
      const to = Math.min(end, gone.get(operation.client) ?? Number.POSITIVE_INFINITY, ...released)
      return { operation, from: operation.endAt, to, shared, token: told?.token }
    })
    .filter(({ from, to }) => to > from)
    .sort((a, b) => a.from - b.from)
}

function overlaps(
  holds: readonly Hold[],
  permits: number,
  key: string,
  anomalies: Anomaly<HoldAnomaly>[],
): void {
  let current: Hold[] = []
  for (const hold of holds) {
    current = current.filter(({ to }) => to > hold.from)
    current.push(hold)
    const exclusive = current.filter(({ shared }) => !shared)
    const operations = current.map(({ operation }) => operation)
    const message = operations.map(showOperation).join('\n')
    if (exclusive.length > permits) anomalies.push({ kind: 'too many holders', key, message, operations })
    else if (exclusive.length > 0 && exclusive.length < current.length)
      anomalies.push({ kind: 'reader beside a writer', key, message, operations })
  }
}

function tokens(holds: readonly Hold[], key: string, anomalies: Anomaly<HoldAnomaly>[]): void {
  const fenced = holds.filter((hold): hold is Hold & { token: number } => hold.token !== undefined)
  const seen = new Map<number, Operation>()
  for (const { operation, token } of fenced) {
    const twin = seen.get(token)
    if (twin)
      anomalies.push({
        kind: 'token twice',
        key,
        message: `${showOperation(twin)}\n${showOperation(operation)}`,
        operations: [twin, operation],
      })
    seen.set(token, operation)
  }
  // In order of replies: whoever began after one had its token must have a higher one.
  const byEnd = [...fenced].sort((a, b) => a.operation.end - b.operation.end)
  const byStart = [...fenced].sort((a, b) => a.operation.start - b.operation.start)
  let highest: (typeof fenced)[number] | undefined
  let next = 0
  for (const later of byStart) {
    for (; next < byEnd.length && byEnd[next]!.operation.end < later.operation.start; next++)
      if (highest === undefined || byEnd[next]!.token > highest.token) highest = byEnd[next]
    if (highest && later.token < highest.token)
      anomalies.push({
        kind: 'token not growing',
        key,
        message: `${showOperation(highest.operation)}\n${showOperation(later.operation)}`,
        operations: [highest.operation, later.operation],
      })
  }
}

function fences(own: readonly Operation[], key: string, anomalies: Anomaly<HoldAnomaly>[]): void {
  const token = ({ input }: Operation): number => (input as { token: number }).token
  const accepted = own.filter((one) => one.op === 'write' && ok(one) && one.output === true)
  for (const late of accepted)
    for (const early of accepted)
      if (early.end < late.start && token(early) > token(late)) {
        anomalies.push({
          kind: 'stale fence accepted',
          key,
          message: `${showOperation(early)}\n${showOperation(late)}`,
          operations: [early, late],
        })
        break
      }
}
