import { BackendError } from '../errors.ts'
import type { AtomicDbInterface, AtomicDbItem, AtomicDbQuery, CallOptions } from '../interface.ts'
import { optionsOf, withOptions } from '../model/call-options.ts'
import { checkDb, checkOptions, isDuration, milliseconds } from '../model/checks.ts'
import { type AnswerOf, type ArgumentsOf, type ContractMethod, ForwardingDb } from '../model/forwarding-db.ts'
import type { ScanRowsOptions } from '../model/scan-rows.ts'
import { endingOf, timeLeftOf } from '../model/time-left.ts'
import type { ScanPage } from '../storage.ts'
import { type LambdaContext, remainingMs } from './remaining-time.ts'

/** Default of `reserveMs`, ms. */
const reserve = 500
/** Share of the reserve that is kept for the answer alone. */
const answerShare = 0.1

/**
 * The database for one invocation of a Lambda function: every call ends before the invocation does, also those that
 * `transaction`, `atomic`, `consume`, recipes and coordination classes make on it, and the waits between them. A call
 * under way when the time is up ends as by `timeoutMs` (a write with `OutcomeUnknown` or `PartialWrite` where it may
 * have happened); one that begins later is `BackendError`, and nothing is sent. A shorter `timeoutMs` of a call counts.
 *
 * `reserveMs`: how long before its end the invocation counts as over, so that the handler can answer, ms. In nine
 * tenths of it messages and leases can still be given back, and messages acknowledged. Default: 500, or a quarter of
 * what is left where that is less. Costs no request; make one in each invocation, of any database or wrapper.
 *
 * @throws InvalidInput without the context of a Lambda handler. In tests, `{ getRemainingTimeInMillis: () => 3000 }`.
 * @example
 * ```ts
 * export const handler = async (event: Order, context: Context) => {
 *   const db = forInvocation(table, context)
 *   await db.update(key, { add: { stock: -1 } })
 * }
 * ```
 */
export function forInvocation(
  db: AtomicDbInterface,
  context: LambdaContext,
  options: { reserveMs?: number } = {},
): AtomicDbInterface {
  checkDb(db)
  checkOptions(options, ['reserveMs'])
  const { reserveMs = Math.min(reserve, Math.max(0, remainingMs(context) / 4)) } = options
  milliseconds(reserveMs, 'reserveMs', { zero: true })
  remainingMs(context)
  return new InvocationDb(db, context, reserveMs)
}

class InvocationDb extends ForwardingDb {
  readonly #context: LambdaContext
  readonly #reserveMs: number

  constructor(db: AtomicDbInterface, context: LambdaContext, reserveMs: number) {
    super(db)
    this.#context = context
    this.#reserveMs = reserveMs
  }

  override get leftMs(): number {
    return this.#leftMs(this.#reserveMs)
  }

  #leftMs(reserveMs: number): number {
    return Math.min(remainingMs(this.#context) - reserveMs, timeLeftOf(this.db))
  }

  /** At least 1, so that it is a bound: a call that comes too late says so itself. */
  override get timeoutMs(): number {
    return Math.max(1, Math.min(super.timeoutMs ?? Number.POSITIVE_INFINITY, this.leftMs))
  }

  override get ending(): AtomicDbInterface {
    return new InvocationDb(endingOf(this.db), this.#context, answerShare * this.#reserveMs)
  }

  override stream<T = unknown>(
    query: NoInfer<AtomicDbQuery<T>>,
  ): NodeJS.ReadableStream & AsyncIterable<AtomicDbItem<T>> {
    const bound = (given: AtomicDbQuery<T>) => this.#bound(given, this.#reserveMs)
    if (!isBoundable(query)) return this.db.stream<T>(query)
    // Asked again for each page.
    return this.db.stream<T>({
      ...query,
      get timeoutMs() {
        return bound(query)
      },
    })
  }

  protected override forward<M extends ContractMethod>(method: M, args: ArgumentsOf<M>): AnswerOf<M> {
    const options = optionsOf(method, args)
    if (!isBoundable(options)) return super.forward(method, args)
    const endsWork = method === 'queueAcknowledge' || method === 'queueRelease'
    try {
      const timeoutMs = this.#bound(options, this.#reserveMs * (endsWork ? answerShare : 1))
      return super.forward(method, withOptions(method, args, { ...options, timeoutMs }))
    } catch (error) {
      // All methods but `stream`, which is overridden, answer with a promise.
      return Promise.reject(error) as AnswerOf<M>
    }
  }

  protected override async scan(options: ScanRowsOptions): Promise<ScanPage> {
    return super.scan({ ...options, timeoutMs: this.#bound(options, this.#reserveMs) })
  }

  /** How long a call may take that begins now, ms. */
  #bound(options: CallOptions | undefined, reserveMs: number): number {
    const left = this.#leftMs(reserveMs)
    if (left <= 0)
      throw new BackendError('the time of this invocation is up (less reserveMs): nothing was sent')
    return Math.min(options?.timeoutMs ?? super.timeoutMs ?? left, left)
  }
}

/** Options that the database refuses go to it as they are. */
function isBoundable(options: CallOptions | undefined): boolean {
  if (options === undefined) return true
  if (typeof options !== 'object' || options === null || Array.isArray(options)) return false
  const { timeoutMs } = options
  return timeoutMs === undefined || isDuration(timeoutMs)
}
