import type { Runtime } from '../runtime.ts'
import type { Storage } from '../storage.ts'
import type { AtomicDbEvent, RetryOptions } from './retry.ts'

/** What every part of the engine works with. */
export interface Context {
  readonly storage: Storage
  readonly runtime: Runtime
  readonly retry: RetryOptions
  /** Signs the cursors of pages. */
  readonly cursorSecret: string | Uint8Array | undefined
  readonly onEvent: ((event: AtomicDbEvent) => void) | undefined
  /** ULIDs, ever growing within the process. */
  readonly ulid: () => string
  /** Short unique ids: write ids, receipts, tokens. */
  readonly id: () => string
}

export const nowSeconds = (context: Context): number => Math.floor(context.runtime.now() / 1000)
