import { InvalidInput } from '../errors.ts'
import { checkFunction, checkOptions, milliseconds, wholeNumber } from '../model/checks.ts'
import { optionsCheck } from '../model/options-check.ts'
import { systemRuntime } from '../runtime.ts'
import { runInOrder } from './in-order.ts'
import { type LambdaContext, remainingMs } from './remaining-time.ts'
import { orAborted, sharedController } from './signals.ts'
import { WorkerStopped } from './stopping.ts'
import { type ChangeRecord, changesOf, type TableChange } from './table-change.ts'

/** What is done with the changes of each kind of row; kinds without a function are passed over. */
export interface StreamHandlers<Data = unknown, Message = unknown> {
  item?: (change: Extract<TableChange<Data>, { kind: 'item' }>, context: { signal: AbortSignal }) => unknown
  lock?: (change: Extract<TableChange, { kind: 'lock' }>, context: { signal: AbortSignal }) => unknown
  message?: (
    change: Extract<TableChange<Message>, { kind: 'message' }>,
    context: { signal: AbortSignal },
  ) => unknown
}

/** Options of `streamLambda`. */
export interface StreamLambdaOptions {
  /**
   * The event source mapping has `ReportBatchItemFailures`: a failure is answered by the place of its record, and the
   * ones before it do not come again. Without that setting Lambda would take such an answer for success.
   *
   * @default false: throws, and the whole batch comes again
   */
  batchItemFailures?: boolean
  /** With `batchItemFailures`: called with each failure, which nobody else hears of. What it throws is ignored. */
  onFailure?: (error: unknown, change: TableChange) => unknown
  /** Records handled at once; those of one row one after the other. @default 1 */
  concurrency?: number
  /**
   * How long before the end of the invocation it stops, ms.
   * @default 1000, or a quarter of the time of the invocation where that is less
   */
  reserveMs?: number
}

const checkStreamOptions = /* @__PURE__ */ optionsCheck<StreamLambdaOptions>(() => [
  { batchItemFailures: 'boolean', onFailure: true, concurrency: true, reserveMs: true },
  { reportBatchItemFailures: "use 'batchItemFailures'", onError: "use 'onFailure'" },
])

/**
 * A Lambda handler for the stream of the table (view type `NEW_AND_OLD_IMAGES`): what happened to items, locks and
 * messages, told apart, before and after, with values as they were written. Deletions by `ttl` are `expired`. The
 * changes of a row come in order, each at least once: a record comes again after a failure (the same
 * `sequenceNumber`). Costs no request.
 *
 * @throws InvalidInput for a stream without images.
 * @example
 * ```ts
 * export const handler = streamLambda<User>({
 *   item: async ({ type, key, before, after }) => {
 *     if (type === 'expired') await archive(before)
 *   },
 * })
 * ```
 */
export function streamLambda<Data = unknown, Message = unknown>(
  handlers: StreamHandlers<Data, Message>,
  options: StreamLambdaOptions = {},
): (
  event: { readonly Records: readonly ChangeRecord[] },
  context: LambdaContext,
) => Promise<{ batchItemFailures: { itemIdentifier: string }[] }> {
  if (handlers === undefined || typeof handlers === 'function')
    throw new InvalidInput('handlers', 'must be an object of functions: { item: (change) => ... }')
  checkOptions(handlers, ['item', 'lock', 'message'], 'handlers')
  for (const [kind, handler] of Object.entries(handlers)) checkFunction(handler, `handlers.${kind}`)
  checkStreamOptions(options)
  const { batchItemFailures = false, onFailure, concurrency = 1, reserveMs } = options
  wholeNumber(concurrency, 'concurrency', { min: 1 })
  if (onFailure !== undefined) checkFunction(onFailure, 'onFailure')
  if (reserveMs !== undefined) milliseconds(reserveMs, 'reserveMs', { zero: true })
  const handle = handlers as Record<string, ((change: TableChange, context: object) => unknown) | undefined>
  return async (event, context) => {
    const changes = allOf(event)
    const left = remainingMs(context)
    const stop = stopAfter(left - (reserveMs ?? Math.min(1000, left / 4)))
    const failed = await runInOrder(changes, concurrency, stop.signal, rowOf, async (change) =>
      orAborted((async () => handle[change.kind]?.(change, { signal: stop.signal }))(), stop.signal),
    )
    stop.end()
    const first = failed[0]
    if (!first) return { batchItemFailures: [] }
    if (!batchItemFailures) throw first.error
    for (const { error, of } of failed) tellOf(onFailure, error, of)
    return { batchItemFailures: [{ itemIdentifier: first.of.sequenceNumber }] }
  }
}

function allOf(event: { readonly Records: readonly ChangeRecord[] } | undefined): TableChange[] {
  if (!Array.isArray(event?.Records) || event.Records.some((record) => record?.dynamodb === undefined))
    throw new InvalidInput('event', 'must be that of a DynamoDB stream: { Records: [{ dynamodb }] }')
  return event.Records.flatMap(changesOf)
}

const rowOf = ({ key }: TableChange): string => JSON.stringify([key.pk, key.sk])

/** A signal that is aborted after that time, unless it is ended before. */
function stopAfter(ms: number): { signal: AbortSignal; end: () => void } {
  const stop = sharedController()
  const done = new AbortController()
  systemRuntime.sleep(Math.max(0, ms), { signal: done.signal, unref: true }).then(
    () => stop.abort(new WorkerStopped('the time of this invocation is up')),
    () => {},
  )
  return { signal: stop.signal, end: () => done.abort() }
}

function tellOf(onFailure: StreamLambdaOptions['onFailure'], error: unknown, change: TableChange): void {
  try {
    const answer = onFailure?.(error, change) as PromiseLike<unknown> | undefined
    if (typeof answer?.then === 'function') answer.then(undefined, () => {})
  } catch {}
}
