import { AtomicDbError } from 'lockrow'

export type Level = 'info' | 'warn' | 'error'

/** One line of JSON. Past `console`, which Lambda's JSON format would wrap into an object of its own. */
export function log(level: Level, event: string, fields: Record<string, unknown> = {}): void {
  process.stdout.write(`${JSON.stringify({ level, event, ...fields })}\n`)
}

/**
 * What may be logged of an error: never its data. Messages of lockrow name keys only; those of others may hold
 * anything, so of them only the kind and the place are kept.
 */
export function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { error: typeof error }
  if (error instanceof AtomicDbError) {
    const cause = error.cause instanceof Error ? { cause: error.cause.name } : {}
    return { error: error.code, message: error.message, ...cause }
  }
  const at = error.stack?.split('\n').find((line) => line.startsWith('    at '))
  return { error: error.name, ...(at && { at: at.trim() }) }
}
