import type { Command } from 'commander'
import type { Io } from '../io.ts'
import { type Answer, Session } from '../session.ts'
import { settingsOf } from '../settings.ts'

/** What the commands need of their surroundings. */
export interface Host {
  io: Io
  /** Told before a command does anything, so that its failures can be explained. */
  begin(session: Session): void
  end(code: number): void
}

type Handler = (session: Session, ...args: never[]) => Promise<Answer | undefined>

/** The action of a command: settings, work, one place that prints. */
export function action(host: Host, handler: Handler): (...args: unknown[]) => Promise<void> {
  return async (...args) => {
    const command = args.at(-1) as Command
    const session = new Session(host.io, settingsOf(command.optsWithGlobals(), host.io))
    host.begin(session)
    try {
      const answer = await handler(session, ...(args.slice(0, -1) as never[]))
      if (answer) session.print(answer)
      host.end(answer?.code ?? 0)
    } finally {
      await session.close()
    }
  }
}

/** Nothing there. */
export const nothing = (note: string): Answer => ({ records: [null], lines: [], note, code: 1 })

/** The user said no. */
export const declined = (): Answer => ({ records: [null], lines: [], note: 'nothing was done', code: 1 })
