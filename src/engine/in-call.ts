import { BackendError } from '../errors.ts'
import type { CallOptions } from '../interface.ts'
import { type Checked, lastMoment } from '../model/last-moment.ts'
import type { OptionsCheck } from '../model/options-check.ts'
import { StorageFault } from '../storage.ts'
import { Call } from './call.ts'
import type { Context } from './context.ts'
import { checkedLast } from './last-moment.ts'

/** Runs one call of the contract once its options are checked; `options` come back with a signal that also ends at the deadline. */
export async function inCall<O extends CallOptions | undefined, T>(
  database: Context,
  check: OptionsCheck,
  options: O,
  work: (context: Context, options: O) => Promise<T>,
): Promise<T> {
  check(options)
  const timeoutMs = options?.timeoutMs ?? database.timeoutMs
  const call = new Call(database.runtime, options?.signal, timeoutMs)
  const last = (options as Checked | undefined)?.[lastMoment]
  const context = last ? checkedLast(withCall(database, call), [last]) : withCall(database, call)
  try {
    if (call.signal === undefined) return await work(context, options)
    return await work(context, { ...options, signal: call.signal } as O)
  } catch (error) {
    throw error instanceof StorageFault ? toCaller(error) : error
  } finally {
    call.end()
  }
}

/** A fault that no part of the engine has an answer to: refused for its content. */
const toCaller = (fault: StorageFault): BackendError =>
  new BackendError(`the backend refused the request: ${fault.message}`, { cause: fault.cause })

/** Field by field: to spread them takes ten times as long, in every call. */
const withCall = (database: Context, call: Call): Context => ({
  storage: database.storage,
  runtime: database.runtime,
  retry: database.retry,
  cursorSecret: database.cursorSecret,
  timeoutMs: database.timeoutMs,
  onEvent: database.onEvent,
  ulid: database.ulid,
  id: database.id,
  database: database.database,
  call,
})

/** For work that goes on after the call has ended. */
export const detached = (context: Context): Context => withCall(context, new Call(context.runtime))
