/** What the page and the thread that runs an example tell each other. */

/** The program, as TypeScript. */
export interface Program {
  code: string
}

export type Level = 'log' | 'info' | 'warn' | 'error' | 'debug'

export type Report =
  | { type: 'line'; level: Level; text: string }
  /** The program and all that it awaited is over. */
  | { type: 'done'; ms: number }
  /** It threw, or does not parse. `line` counts from 1. */
  | { type: 'failed'; text: string; line?: number }
