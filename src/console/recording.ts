import { AtomicDbError, RaceCondition } from '../errors.ts'
import type { AtomicDbInterface, AtomicDbItemKey } from '../interface.ts'
import { wholeNumber } from '../model/checks.ts'
import { type AnswerOf, type ArgumentsOf, type ContractMethod, ForwardingDb } from '../model/forwarding-db.ts'

/** One call that changed something, or tried to. Values are not kept. */
export interface RecordedCall {
  /** Counts up by one for each call. */
  id: number
  method: string
  /** When it began, epoch ms. */
  at: number
  /** How long it took, ms. */
  ms: number
  outcome: 'committed' | 'refused' | 'failed'
  /** The code of the error, and what it says. */
  error?: string
  message?: string
  /** What was written: the kind of each operation, and its key. */
  writes: { kind: string; key: string }[]
  /** The keys that somebody else had changed. */
  conflicts?: string[]
  /** How often a request was sent again, and why, as far as this process knows. */
  retries: string[]
}

/** A repeat of a request, as the option `onEvent` of a database tells of it. */
interface RetryEvent {
  reason: string
  keys?: readonly AtomicDbItemKey[] | undefined
}

const recorded = new Set<string>([
  'set',
  'setAtomic',
  'delete',
  'deleteRange',
  'update',
  'transact',
  'queuePush',
  'queuePull',
  'queuePullMany',
  'queueAcknowledge',
  'queueRelease',
  'queueCancel',
  'queuePurge',
  'queueRedrive',
  'queuePause',
  'queueResume',
])

const maxKeys = 20
const keyOf = (one: unknown): string => {
  const { pk, sk } = (one ?? {}) as Partial<AtomicDbItemKey>
  return sk === undefined ? String(pk ?? '') : `${pk} / ${sk}`
}

interface AnyOperation {
  type?: string
  key?: unknown
  item?: unknown
  lock?: unknown
}

/** The keys in the arguments of a call; never its values. */
function writesOf(method: string, args: readonly unknown[]): RecordedCall['writes'] {
  const [first, second] = args
  const list = (given: unknown, kind: string) =>
    (Array.isArray(given) ? given : [given]).slice(0, maxKeys).map((one) => ({ kind, key: keyOf(one) }))
  if (method === 'transact')
    return (first as AnyOperation[]).slice(0, maxKeys).map((one) => ({
      kind: one.type ?? '?',
      key: keyOf(one.key ?? one.item ?? one.lock),
    }))
  if (method === 'setAtomic') return [...list(first, 'set'), ...list(second, 'bump')]
  return typeof first === 'string' ? [{ kind: method, key: first }] : list(first, method)
}

/**
 * The last calls of databases of this process that changed something: what was committed, refused and repeated, and
 * why. It keeps keys, never values.
 *
 * @example
 * ```ts
 * const recording = new Recording()
 * const db = recording.of(new AtomicMemoryDb({ onEvent: recording.onEvent }))
 * await db.set({ pk: 'a', sk: 'b', data: 1 })
 * console.log(recording.calls().at(-1)?.outcome) // committed
 * ```
 */
export class Recording {
  readonly #limit: number
  readonly #calls: RecordedCall[] = []
  readonly #open = new Set<RecordedCall>()
  #next = 1

  /** `limit`: the number of calls that it keeps. */
  constructor({ limit = 1000 }: { limit?: number } = {}) {
    this.#limit = wholeNumber(limit, 'limit', { min: 1, max: 100_000 })
  }

  /** For the option `onEvent` of the database: repeats of requests. */
  readonly onEvent = ({ reason, keys = [] }: RetryEvent): void => {
    const named = new Set(keys.map(keyOf))
    for (const call of this.#open)
      if (call.writes.some(({ key }) => named.has(key))) call.retries.push(reason)
  }

  /** The same database, whose calls are recorded. */
  of(db: AtomicDbInterface): AtomicDbInterface {
    return new RecordedDb(db, this)
  }

  /** The calls with a greater id than `after`, the oldest first. */
  calls(after = 0): RecordedCall[] {
    return this.#calls.filter(({ id }) => id > after)
  }

  /** Records one call of a database. */
  async record<T>(
    db: AtomicDbInterface,
    method: string,
    args: readonly unknown[],
    run: () => Promise<T>,
  ): Promise<T> {
    const { runtime } = db
    const call: RecordedCall = {
      id: 0,
      method,
      at: runtime.now(),
      ms: 0,
      outcome: 'committed',
      writes: writesOf(method, args),
      retries: [],
    }
    const begun = runtime.monotonic()
    this.#open.add(call)
    try {
      const answer = await run()
      if (isEmptyPull(method, answer)) return answer
      noteAnswer(call, answer)
      this.#keep(call, runtime.monotonic() - begun)
      return answer
    } catch (error) {
      noteError(call, error)
      this.#keep(call, runtime.monotonic() - begun)
      throw error
    } finally {
      this.#open.delete(call)
    }
  }

  #keep(call: RecordedCall, ms: number): void {
    call.ms = ms
    call.id = this.#next++
    this.#calls.push(call)
    if (this.#calls.length > this.#limit) this.#calls.shift()
  }
}

/** A pull that found nothing changed nothing. */
const isEmptyPull = (method: string, answer: unknown): boolean =>
  (method === 'queuePull' && (answer as { item?: unknown }).item === undefined) ||
  (method === 'queuePullMany' && (answer as { items: unknown[] }).items.length === 0)

function noteAnswer(call: RecordedCall, answer: unknown): void {
  const { item, items, applied } = (answer ?? {}) as { item?: unknown; items?: unknown[]; applied?: boolean }
  if (call.method === 'queuePull') call.writes = [{ kind: 'queuePull', key: keyOf(item) }]
  if (call.method === 'queuePullMany')
    call.writes = (items ?? []).slice(0, maxKeys).map((one) => ({ kind: 'queuePull', key: keyOf(one) }))
  if (applied === false || answer === false) call.outcome = 'refused'
}

const refusals = new Set(['ConditionFailed', 'RaceCondition', 'StaleReceipt', 'InvalidInput', 'LeaseLost'])

function noteError(call: RecordedCall, error: unknown): void {
  const code = error instanceof AtomicDbError ? error.code : error instanceof Error ? error.name : 'Error'
  call.outcome = refusals.has(code) ? 'refused' : 'failed'
  call.error = code
  if (error instanceof Error) call.message = error.message
  if (error instanceof RaceCondition) call.conflicts = error.keys?.map(keyOf)
}

class RecordedDb extends ForwardingDb {
  readonly #recording: Recording

  constructor(db: AtomicDbInterface, recording: Recording) {
    super(db)
    this.#recording = recording
  }

  protected override forward<M extends ContractMethod>(method: M, args: ArgumentsOf<M>): AnswerOf<M> {
    if (!recorded.has(method)) return super.forward(method, args)
    const run = () => super.forward(method, args) as Promise<unknown>
    return this.#recording.record(this.db, method, args, run) as AnswerOf<M>
  }
}
