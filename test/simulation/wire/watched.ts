import { BackendError, OutcomeUnknown, PartialWrite } from '../../../src/errors.ts'
import type { AtomicDbInterface } from '../../../src/interface.ts'
import type { Random } from '../../../src/testing/random.ts'
import type { Finding } from '../judge.ts'
import { CallTrace, type Connection } from './connection.ts'
import type { WirePlan } from './plan.ts'
import type { WriteLog } from './write-log.ts'

/** What came of the calls of one kind of which a reply was lost. */
export interface CallCounts {
  calls: number
  /** A reply was lost, and nobody else wrote these rows in between. */
  quiet: number
  quietUnknown: number
  /** As quiet, but the caller was suspended until the service had forgotten the token: nothing can settle it then. */
  frozen: number
  frozenUnknown: number
  /** Ended by the signal of its caller, whatever became of it. */
  abandoned: number
  /** A reply was lost, and somebody wrote these rows in between. */
  contended: number
  contendedUnknown: number
  /** A request was lost on its way, or is held up. */
  lostRequest: number
  lostRequestUnknown: number
  /** Most requests of one call that met throttling alone. */
  mostThrottled: number
}

export type CallStats = Map<string, CallCounts>

const none = (): CallCounts => ({
  calls: 0,
  quiet: 0,
  quietUnknown: 0,
  frozen: 0,
  frozenUnknown: 0,
  abandoned: 0,
  contended: 0,
  contendedUnknown: 0,
  lostRequest: 0,
  lostRequestUnknown: 0,
  mostThrottled: 0,
})

type Method = Exclude<keyof AtomicDbInterface, 'runtime' | 'stream'>

/** Where the options stand among the arguments. */
const optionsAt: Partial<Record<Method, number>> = {
  get: 1,
  getMany: 1,
  getLock: 1,
  getLocked: 1,
  getTogether: 1,
  query: 0,
  page: 0,
  count: 0,
  deleteRange: 1,
  set: 1,
  delete: 1,
  setAtomic: 2,
  update: 2,
  transact: 1,
  queuePush: 1,
  queuePull: 0,
  queuePullMany: 0,
  queueAcknowledge: 1,
  queueRelease: 1,
  queueExtend: 1,
}
const reads = new Set<string>(['get', 'getMany', 'getLocked', 'getTogether', 'query', 'page', 'count'])
// Far less than any wait for a retry, and far more than it takes to end a request.
const abortWithinMs = 150

function kindOf(method: string, args: readonly unknown[]): string {
  const options = args[optionsAt[method as Method] ?? -1] as
    | { exactlyOnce?: boolean; idempotencyKey?: string }
    | undefined
  if (options?.exactlyOnce) return `${method} exactlyOnce`
  if (options?.idempotencyKey !== undefined) return `${method} idempotencyKey`
  return method
}

const isClock = (error: unknown): boolean =>
  /^(InvalidSignature|RequestExpired|RequestTimeTooSkewed)/.test((error as Error | undefined)?.name ?? '')

export interface Watch {
  connection: Connection
  plan: WirePlan
  log: WriteLog
  stats: CallStats
  random: Random
  found(finding: Finding): void
}

/** One correction is enough: nobody lies about the time, or takes longer than a signature counts. */
const tellsTheTime = ({ retry, rates }: WirePlan): boolean =>
  retry === undefined && !rates.clockSkew && !rates.freeze

const signatureLifeMs = 5 * 60_000

type Call = (...args: unknown[]) => Promise<unknown>

/** The database, with each call counted; some calls meet throttling alone, or are aborted. */
export function watched(db: AtomicDbInterface, watch: Watch): AtomicDbInterface {
  return new Proxy(db, {
    get(target, name) {
      const member = Reflect.get(target, name, target) as unknown
      if (typeof member !== 'function') return member
      const call = (member as Call).bind(target)
      if (typeof name !== 'string' || !(name in optionsAt)) return call
      return (...args: unknown[]) => observe(watch, name as Method, args, call)
    },
  })
}

async function observe(watch: Watch, method: Method, args: unknown[], call: Call): Promise<unknown> {
  const { connection, plan, random } = watch
  const trace = new CallTrace()
  const kind = kindOf(method, args)
  const traced: Call = (...given) => connection.traced(trace, () => call(...given))
  let unknown = false
  // What its caller gave up is no doubt of the library's.
  const abandoned = { isAbandoned: false }
  try {
    if (random.chance(plan.storms)) return await throttled(watch, kind, args, traced, trace)
    if (random.chance(plan.aborts)) return await aborted(watch, method, args, traced, abandoned)
    return await traced(...args)
  } catch (error) {
    unknown = error instanceof OutcomeUnknown || error instanceof PartialWrite
    // One that took longer than its signature counts is refused whatever the clock of its client.
    if (
      trace.slowestMs < signatureLifeMs &&
      tellsTheTime(plan) &&
      error instanceof BackendError &&
      isClock(error.cause)
    )
      watch.found({
        kind: 'clock',
        message: `${kind} failed for a clock that the service had told: ${error.message}`,
      })
    throw error
  } finally {
    if (abandoned.isAbandoned) countsOf(watch.stats, kind).abandoned++
    else count(watch, kind, trace, unknown)
  }
}

const countsOf = (stats: CallStats, kind: string): CallCounts => {
  const counts = stats.get(kind) ?? none()
  stats.set(kind, counts)
  return counts
}

// The service's own. The library stops half a minute before.
const tokenLifeMs = 10 * 60_000

/**
 * Its last lost reply became known to the caller when nothing could be asked under its token any more, or the question
 * itself took longer than a signature counts (a machine that stands still: at this speed of the clock, a second).
 */
function wasForgotten({ lostReplies, slowestMs }: CallTrace): boolean {
  if (slowestMs > signatureLifeMs) return true
  const { tokenSince, learnedAt = 0 } = lostReplies.at(-1)!
  return tokenSince !== undefined && learnedAt - tokenSince > tokenLifeMs
}

function count({ stats, connection, log }: Watch, kind: string, trace: CallTrace, unknown: boolean): void {
  const counts = countsOf(stats, kind)
  counts.calls++
  const { lostReplies, lostRequests } = trace
  if (lostRequests === 0 && lostReplies.length === 0) return
  const isContended = lostReplies.some(({ rows, moment }) => log.wasOvertaken(connection.name, rows, moment))
  const what =
    lostRequests > 0 ? 'lostRequest' : isContended ? 'contended' : wasForgotten(trace) ? 'frozen' : 'quiet'
  counts[what]++
  if (unknown) counts[`${what}Unknown`]++
}

/** Every try is refused for lack of throughput: how many are there? */
async function throttled(
  watch: Watch,
  kind: string,
  args: unknown[],
  call: Call,
  trace: CallTrace,
): Promise<unknown> {
  const { connection, plan, stats, found } = watch
  const { proxy } = connection
  const { rates } = proxy
  proxy.rates = { throttle: 1 }
  try {
    return await call(...args)
  } finally {
    proxy.rates = rates
    const { requests } = trace
    const counts = countsOf(stats, kind)
    counts.mostThrottled = Math.max(counts.mostThrottled, requests)
    const most = plan.retry?.attempts ?? 10
    if (kind === 'get' && plan.mode !== 'lru' && requests > most)
      found({
        kind: 'amplified',
        message: `a throttled ${kind} made ${requests} requests, at most ${most} are allowed`,
      })
  }
}

/** An abort ends the call at once, whatever it waits for. */
async function aborted(
  watch: Watch,
  method: Method,
  args: unknown[],
  call: Call,
  abandoned: { isAbandoned: boolean },
): Promise<unknown> {
  const at = optionsAt[method] ?? 0
  const controller = new AbortController()
  const given = [...args]
  given[at] = { ...(given[at] as object | undefined), signal: controller.signal }
  let settled = false
  const abort = setTimeout(
    () => controller.abort(new Error('aborted by the proof')),
    watch.random.between(0, watch.random.pick([40, 400])),
  )
  const late = async () => {
    // After a pause of the whole process what came in meanwhile goes first.
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
    if (!settled)
      watch.found({
        kind: 'abort',
        message: `${method} went on for more than ${abortWithinMs} ms after its abort`,
      })
  }
  controller.signal.addEventListener('abort', () => setTimeout(late, abortWithinMs))
  try {
    return await call(...given)
  } catch (error) {
    if (error !== controller.signal.reason) throw error
    abandoned.isAbandoned = true
    // In the terms of the histories: nobody knows, or there is no answer.
    if (reads.has(method)) throw new BackendError('aborted', { cause: error })
    throw new OutcomeUnknown('aborted', { cause: error })
  } finally {
    settled = true
    clearTimeout(abort)
  }
}
