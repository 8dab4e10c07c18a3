import { InvalidInput } from '../errors.ts'
import { checkFunction } from '../model/checks.ts'
import { optionsCheck } from '../model/options-check.ts'
import { idSource, type Runtime, systemRuntime, ulidSource } from '../runtime.ts'
import type { Storage } from '../storage.ts'
import { Call } from './call.ts'
import { type CursorSecret, checkSecret } from './query/cursor.ts'
import { type AtomicDbEvent, checkRetry, type RetryOptions } from './retry.ts'

/** What every part of the engine works with: the database, and the call that is under way. */
export interface Context {
  readonly storage: Storage
  readonly runtime: Runtime
  readonly retry: RetryOptions
  /** Signs the cursors of pages. */
  readonly cursorSecret: string | Uint8Array | undefined
  readonly timeoutMs: number | undefined
  readonly onEvent: ((event: AtomicDbEvent) => unknown) | undefined
  /** ULIDs, ever growing within the process. */
  readonly ulid: () => string
  /** Short unique ids: write ids, receipts, tokens. */
  readonly id: () => string
  /** The same object in all calls of a database: what is remembered between calls hangs on it. */
  readonly database: object
  readonly call: Call
}

/** Options of every database. */
export interface EngineOptions {
  /**
   * Time and chance.
   * @default those of the system
   */
  runtime?: Runtime
  /** Waiting and trying again when the backend refuses or does not answer: the only place where that happens. */
  retry?: RetryOptions
  /**
   * Bound on every call with all its repeats, ms; a call can give its own.
   * @default none
   */
  timeoutMs?: number
  /** Called before each repeat. What it throws or rejects with is ignored. */
  onEvent?: (event: AtomicDbEvent) => unknown
  /**
   * Signs the cursors of `page`, so that nobody else can make or change one: the same secret in every process, at
   * least 16 characters or bytes. Without it a cursor is checked against accidents only.
   */
  cursorSecret?: CursorSecret
}

/** Wrong names are refused by every backend's constructor. */
export const engineOptions = {
  runtime: true,
  retry: true,
  timeoutMs: true,
  onEvent: true,
  cursorSecret: true,
} as const
const checkEngineOptions = /* @__PURE__ */ optionsCheck<EngineOptions>(() => [
  engineOptions,
  {
    maxAttempts: "use 'retry: { attempts }'",
    retries: "use 'retry: { attempts }'",
    timeout: "use 'timeoutMs'",
  },
])

export function newContext(storage: Storage, options: EngineOptions): Context {
  if (typeof storage !== 'object' || storage === null)
    throw new InvalidInput('storage', 'must be a Storage', {
      given: storage === null ? 'null' : typeof storage,
    })
  checkEngineOptions(options)
  const runtime = options.runtime ?? systemRuntime
  checkSecret(options.cursorSecret)
  if (options.onEvent !== undefined) checkFunction(options.onEvent, 'options.onEvent')
  return Object.freeze({
    storage,
    runtime,
    cursorSecret: options.cursorSecret,
    retry: checkRetry(options.retry),
    timeoutMs: options.timeoutMs,
    onEvent: options.onEvent,
    ulid: ulidSource(runtime),
    id: idSource(runtime),
    database: {},
    call: new Call(runtime),
  })
}

export const nowSeconds = (context: Context): number => Math.floor(context.runtime.now() / 1000)
