import { CommanderError } from 'commander'
import { whereOf } from './connect.ts'
import { exitCodes, explain, Stopped } from './failures.ts'
import type { Io } from './io.ts'
import { programOf } from './program.ts'
import type { Session } from './session.ts'

/** The command line without its process: `argv` without node and script. Never rejects; returns the exit code. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  let code: number = exitCodes.ok
  let session: Session | undefined
  const program = programOf({
    io,
    begin: (begun) => {
      session = begun
    },
    end: (given) => {
      code = given
    },
  })
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return misused(error, io)
    return failed(error, session, argv, io)
  }
}

function misused(error: CommanderError, io: Io): number {
  if (error.exitCode === 0) return exitCodes.ok
  // A group without a command: its help was printed.
  if (error.code === 'commander.help') return exitCodes.refused
  const problem = error.message.replace(/^error: /, '').replace(/\.?\s*\n\s*/g, ' ')
  io.stderr.write(`lockrow: ${problem.replace(/\.$/, '')}; see 'lockrow --help'\n`)
  return exitCodes.refused
}

function failed(error: unknown, session: Session | undefined, argv: readonly string[], io: Io): number {
  if (error instanceof Stopped || io.signal.aborted) {
    io.stderr.write('lockrow: stopped\n')
    return exitCodes.stopped
  }
  const settings = session?.settings
  const where = settings ? whereOf(settings) : ''
  io.stderr.write(`lockrow: ${explain(error, { table: settings?.table, where })}\n`)
  if (settings?.verbose ?? argv.includes('--verbose')) tell(error, io)
  return exitCodes.refused
}

/** The stack and those of its causes. */
function tell(error: unknown, io: Io): void {
  for (let one: unknown = error, intro = ''; one !== undefined; intro = 'caused by: ') {
    io.stderr.write(`${intro}${one instanceof Error ? (one.stack ?? one.message) : String(one)}\n`)
    one = one instanceof Error ? one.cause : undefined
  }
}
