import type { AtomicDbItemKey } from '../interface.ts'
import type { Timing } from './heartbeat.ts'

/** What the thread that writes heartbeats is made with. */
export interface ThreadData {
  /** URL of the user's module. */
  module: string
  key: AtomicDbItemKey
  timing: Timing
  board: SharedArrayBuffer
}

/** To the thread. */
export interface DrainMessage {
  id: number
  draining: boolean
}

/** From the thread. Errors lose their class on the way: they come as text. */
export type ThreadMessage =
  | { type: 'ready' }
  | { type: 'failed'; field?: 'thread.module'; error: TextOfError }
  | { type: 'drained'; id: number; error?: TextOfError }
  | { type: 'lost'; error: TextOfError }

export interface TextOfError {
  name: string
  message: string
  stack?: string | undefined
}

export function textOfError(error: unknown): TextOfError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) }
  const { name, message, stack } = error
  return { name, message, stack }
}

export function errorFromText({ name, message, stack }: TextOfError): Error {
  return Object.assign(new Error(message), { name, ...(stack === undefined ? {} : { stack }) })
}
