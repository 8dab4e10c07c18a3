import { AtomicDbError } from '../errors.ts'
import { checkOptions, wholeNumber } from '../model/checks.ts'

/** What an error says to a caller on the web, as RFC 9457 writes it: nothing of keys, data or the cause. */
export interface HttpProblem {
  type: 'about:blank'
  title: string
  status: number
  /** For programs: the `code` of the error, or `Internal`. */
  code: string
}

/** An answer for any framework. */
export interface HttpAnswer {
  status: number
  headers: Record<string, string>
  body: HttpProblem
}

/** `again`: the same request may succeed a second later, and nothing of this one counts. */
type Rule = readonly [status: number, title: string, again?: 'again']

/** One line for each error of lockrow, by its `code`. */
const rules: Readonly<Record<string, Rule>> = {
  InvalidInput: [400, 'The request is not valid.'],
  SchemaMismatch: [400, 'The request is not valid.'],
  ConditionFailed: [409, 'The state of the resource does not allow this.'],
  NotUnique: [409, 'Another resource has this value already.'],
  ReferenceMissing: [409, 'What the resource refers to does not exist.'],
  StillReferenced: [409, 'Others refer to the resource.'],
  StaleReceipt: [409, 'This was done by somebody else meanwhile.'],
  InProgress: [409, 'The same request is being handled at this moment.', 'again'],
  NotAcquired: [409, 'The resource is in use.', 'again'],
  IdempotencyMismatch: [422, 'The idempotency key was used with another request.'],
  RaceCondition: [503, 'Too many changes at the same time. Send the request again.', 'again'],
  Throttled: [503, 'Too much to do at this moment. Send the request again.', 'again'],
  ProcessDraining: [503, 'The server is about to stop. Send the request again.', 'again'],
  LeaseLost: [503, 'The request could not be finished.'],
  NewerVersion: [503, 'The request could not be handled by this version of the program.'],
  IndexNotReady: [503, 'The request could not be handled yet.'],
  BackendError: [503, 'The database could not be reached.'],
  WorkerStopped: [503, 'The request could not be finished.'],
  HandlerTimeout: [503, 'The request could not be finished in time.'],
  OutcomeUnknown: [503, 'It is not known whether the request was carried out.'],
  PartialWrite: [503, 'The request was carried out in part.'],
  TimeoutError: [503, 'The request could not be finished in time.'],
  AbortError: [503, 'The request was ended before it was finished.'],
  JobFailed: [500, 'The job has failed.'],
  QueueOutcome: [500, 'The request could not be handled.'],
  Rollback: [500, 'The request could not be handled.'],
}

const unknown: Rule = [500, 'The request could not be handled.']

/**
 * The answer to a caller on the web whose request ended in this error: a status, a problem in JSON, and `Retry-After`
 * where the same request may succeed later and nothing of this one was done. Not so after `OutcomeUnknown` and
 * `PartialWrite`: such a request must carry an idempotency key to be sent again. What is no error of lockrow is 500.
 * `statuses`: others by code, such as `{ ConditionFailed: 412 }`.
 *
 * | error | status |
 * |---|---|
 * | `InvalidInput`, `SchemaMismatch` | 400 |
 * | `ConditionFailed`, `NotUnique`, `ReferenceMissing`, `StillReferenced`, `StaleReceipt`, `InProgress`, `NotAcquired` | 409 |
 * | `IdempotencyMismatch` | 422 |
 * | `RaceCondition`, `Throttled`, `BackendError`, `OutcomeUnknown`, `PartialWrite`, `LeaseLost`, timeouts | 503 |
 * | anything else | 500 |
 *
 * @example
 * ```ts
 * const { status, headers, body } = toHttp(error)
 * return new Response(JSON.stringify(body), { status, headers })
 * ```
 */
export function toHttp(
  error: unknown,
  options: { statuses?: Readonly<Record<string, number>> } = {},
): HttpAnswer {
  checkOptions(options, ['statuses'])
  const { statuses = {} } = options
  checkOptions(statuses, Object.keys(rules), 'statuses')
  const code = codeOf(error)
  const [usual, title, again] = code === undefined ? unknown : rules[code]!
  const other = code === undefined ? undefined : statuses[code]
  const status = other === undefined ? usual : wholeNumber(other, `statuses.${code}`, { min: 400, max: 599 })
  const headers: Record<string, string> = {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    ...(again && { 'retry-after': '1' }),
  }
  return { status, headers, body: { type: 'about:blank', title, status, code: code ?? 'Internal' } }
}

/** Errors of lockrow by their code, of aborted calls by their name. */
function codeOf(error: unknown): string | undefined {
  if (error instanceof AtomicDbError) return Object.hasOwn(rules, error.code) ? error.code : undefined
  const { name } = (error ?? {}) as { name?: unknown }
  return name === 'TimeoutError' || name === 'AbortError' ? name : undefined
}
