import type { Readable, Writable } from 'node:stream'

/** All that the command line touches of its process, so that tests can be one. */
export interface Io {
  env: Record<string, string | undefined>
  stdin: Readable & { isTTY?: boolean }
  stdout: Writable & { isTTY?: boolean; columns?: number }
  stderr: Writable & { isTTY?: boolean; columns?: number }
  /** Ctrl-C: long work stops at the next batch, reads at once. */
  signal: AbortSignal
}
