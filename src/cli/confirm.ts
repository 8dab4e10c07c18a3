import { createInterface } from 'node:readline/promises'
import { Refusal, Stopped } from './failures.ts'
import type { Session } from './session.ts'

/** Called before anything is looked up: somebody must be there to say yes. */
export function requireConsent({ io, settings }: Session, what: string): void {
  if (!settings.yes && !io.stdin.isTTY)
    throw new Refusal(`${what} and there is no terminal to ask on: say --yes if that is meant`)
}

/** Asks on the terminal; true with `--yes`. */
export async function confirm({ io, settings }: Session, question: string): Promise<boolean> {
  if (settings.yes) return true
  // Not a terminal for readline, or Ctrl-C would become a key that it swallows.
  const lines = createInterface({ input: io.stdin, output: io.stderr, terminal: false })
  try {
    // The end of the input (Ctrl-D) closes without an answer.
    const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')))
    const answer = await Promise.race([lines.question(`${question} [y/N] `, { signal: io.signal }), closed])
    return /^\s*y(es)?\s*$/i.test(answer)
  } catch (error) {
    throw io.signal.aborted ? new Stopped('stopped') : error
  } finally {
    lines.close()
  }
}
