import {
  BackendError,
  ConditionFailed,
  LeaseLost,
  OutcomeUnknown,
  PartialWrite,
  RaceCondition,
  StaleReceipt,
  Throttled,
} from '../../../src/errors.ts'
import type { AtomicDbInterface } from '../../../src/interface.ts'
import type { Random } from '../../../src/testing/random.ts'
import type { HistoryRecorder } from '../../checkers/operations.ts'

/** One process under test: a client with a database object of its own. */
export interface Actor {
  name: string
  db: AtomicDbInterface
  /** The cache in front of it, which it shares with other actors. */
  cache?: AtomicDbInterface
  random: Random
  history: HistoryRecorder
  /** Requests so far that may have been applied unknown to the caller, or more than once. */
  doubts(): number
  /** The right time, epoch ms; the actor's own clock is `db.runtime.now()`. */
  trueNow(): number
  /** For how long a request may be on its way unknown to its caller, ms. */
  lateMs: number
  /** By how much the clocks of any two actors may have differed so far, ms. */
  skewMs(): number
  /** Waiting is real here, so waits and deadlines are to be short. */
  hurried: boolean
  /** The process has crashed: what it believed it held counts no more. */
  isDead(): boolean
  /** Reports what no recorded history would show. */
  anomaly(kind: string, message: string): void
}

/** What one actor does next; a workload keeps what it must remember between steps. */
export interface Workload {
  name: string
  step(actor: Actor): Promise<void>
  /** With a database without faults, after all actors have stopped. */
  finish?(actor: Actor): Promise<void>
}

/** Done; certainly not done; nobody knows. */
export type Outcome = 'ok' | 'fail' | 'info'

export interface RecordOptions<T> {
  /** Told how it ended. */
  ended?: (outcome: Outcome) => void
  /** What of the result goes into the history. Default: nothing. */
  output?: (result: T, certain: boolean) => unknown
  /** The library may apply it again after a lost reply, as the contract says: plain `set` and `delete`. */
  repeatable?: boolean
}

const didNotHappen = (error: unknown): boolean =>
  error instanceof RaceCondition ||
  error instanceof ConditionFailed ||
  error instanceof Throttled ||
  error instanceof BackendError ||
  error instanceof StaleReceipt ||
  error instanceof LeaseLost

/** Does something and writes it into the history; undefined when it failed in a way that the contract foresees. */
export async function record<T>(
  actor: Actor,
  op: string,
  key: string,
  input: unknown,
  call: () => Promise<T>,
  options: RecordOptions<T> = {},
): Promise<T | undefined> {
  const { history } = actor
  const doubts = actor.doubts()
  const id = history.invoke(actor.name, op, key, input)
  const open = () => {
    if (options.repeatable) addTwins(actor, id, actor.doubts() - doubts)
  }
  const complete = (outcome: Outcome, output?: unknown) => {
    options.ended?.(outcome)
    history.complete(id, outcome, output)
  }
  try {
    const result = await call()
    open()
    complete('ok', options.output?.(result, actor.doubts() === doubts))
    return result
  } catch (error) {
    open()
    if (error instanceof OutcomeUnknown || error instanceof PartialWrite) complete('info', error.code)
    else if (didNotHappen(error)) complete('fail', (error as RaceCondition).code)
    else {
      complete('info', String(error))
      throw error
    }
    return undefined
  }
}

/**
 * An unconditional write that was sent again may take effect again: operations of unknown outcome beside the
 * operation itself say so to the checker.
 */
export function addTwins({ history }: Actor, id: number, count: number): void {
  if (count === 0) return
  const at = history.events.findLastIndex((event) => event.id === id)
  const invoked = history.events[at]!
  const twins = Array.from({ length: count }, (_, i) => ({ ...invoked, id: `${id}+${i + 1}` }))
  history.events.splice(at + 1, 0, ...twins)
}
