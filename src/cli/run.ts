/** The command line without its process. */
import { createRequire } from 'node:module'
import { Command, CommanderError } from 'commander'
import { addCheck } from './commands/check.ts'
import { addConsole } from './commands/console.ts'
import { addConvert } from './commands/convert.ts'
import { addDev } from './commands/dev.ts'
import { addGet } from './commands/get.ts'
import { addLock } from './commands/lock.ts'
import { addMigrate } from './commands/migrate.ts'
import { addMutex } from './commands/mutex.ts'
import { addPrint } from './commands/print.ts'
import { addQuery } from './commands/query.ts'
import { addQueue } from './commands/queue.ts'
import { addSchedules } from './commands/schedules.ts'
import { addTable } from './commands/table.ts'
import { whereOf } from './connect.ts'
import { exitCodes, explain, Stopped } from './failures.ts'
import { clean, paint, render } from './format.ts'
import { type Host, hasColours, type Io, type Session } from './session.ts'
import { storeKinds, storeNames } from './stores/kinds.ts'

const version = (): string => createRequire(import.meta.url)('lockrow/package.json').version

const help = `
Environment: ${['LOCKROW_TABLE', ...storeNames.map((name) => storeKinds[name].variable)].join(' or ')}, AWS_ENDPOINT_URL_DYNAMODB, AWS_REGION, and the credentials as the AWS SDK finds them.
NO_COLOR turns colours off.
Exit codes: 0 done; 1 not found, or the answer is no; 2 wrong call or surroundings, one line says what to do;
130 stopped by Ctrl-C.

$ lockrow dev
$ lockrow query user#123 --prefix order# --limit 20
$ lockrow queue push jobs --file messages.jsonl
$ lockrow help queue push`

function programOf(host: Host): Command {
  const { io } = host
  const program = new Command('lockrow')
    .description('Look at, mend and try out a lockrow database in a DynamoDB table.')
    .version(version())
    .option('--table <name>', 'the table (or LOCKROW_TABLE)')
    .option('--endpoint <url>', 'the server, e.g. http://localhost:8000 (or AWS_ENDPOINT_URL_DYNAMODB)')
    .option('--region <name>', 'the AWS region (or AWS_REGION)')
    .option('--json', 'one JSON value per line on stdout')
    .option('--verbose', 'errors with their stack')
    .exitOverride()
    .configureHelp({
      showGlobalOptions: true,
      helpWidth: Math.min(io.stdout.columns || 100, 110),
      styleTitle: (text) => paint({ style: 'bold', text }, true),
    })
    // What commander says of wrong calls is said by us, on one line.
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      getOutHasColors: () => hasColours(io, io.stdout),
      getErrHasColors: () => hasColours(io, io.stderr),
      outputError: () => {},
    })
    .helpCommand(false)
    .addHelpText('after', help)
  for (const name of storeNames) {
    const { value, about, variable } = storeKinds[name]
    program.option(`--${name} ${value}`, `${about} (or ${variable})`)
  }
  addDev(program, host)
  addTable(program, host)
  addCheck(program, host)
  addConsole(program, host)
  addConvert(program, host)
  addGet(program, host)
  addQuery(program, host)
  addLock(program, host)
  addQueue(program, host)
  addSchedules(program, host)
  addMigrate(program, host)
  addMutex(program, host)
  addPrint(program, host)
  addHelp(program)
  return program
}

/** Commander's own `help` knows one level of commands only. */
function addHelp(program: Command): void {
  program
    .command('help')
    .description("help for a command: 'lockrow help queue peek'")
    .argument('[command...]')
    .action((names: string[]) => {
      let at = program
      for (const name of names) {
        const next = at.commands.find((command) => command.name() === name)
        if (!next) throw new CommanderError(2, 'commander.unknownCommand', `error: unknown command '${name}'`)
        at = next
      }
      at.outputHelp()
    })
}

/** `argv` without node and script. Never rejects; returns the exit code. */
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

/** One line on stderr. */
function complain(io: Io, problem: string): void {
  const line = render([{ style: 'red', text: 'lockrow:' }, ` ${problem}`], hasColours(io, io.stderr))
  io.stderr.write(`${line}\n`)
}

function misused(error: CommanderError, io: Io): number {
  if (error.exitCode === 0) return exitCodes.ok
  // A group without a command: its help was printed.
  if (error.code === 'commander.help') return exitCodes.refused
  const problem = error.message.replace(/^error: /, '').replace(/\.?\s*\n\s*/g, ' ')
  complain(io, `${problem.replace(/\.$/, '')}; see 'lockrow --help'`)
  return exitCodes.refused
}

function failed(error: unknown, session: Session | undefined, argv: readonly string[], io: Io): number {
  if (error instanceof Stopped || io.signal.aborted) {
    io.stderr.write('lockrow: stopped\n')
    return exitCodes.stopped
  }
  const settings = session?.settings
  const where = settings ? whereOf(settings) : ''
  complain(io, explain(error, { table: settings?.table, where, store: settings?.store?.kind }))
  if (settings?.verbose ?? argv.includes('--verbose')) tell(error, io)
  return exitCodes.refused
}

/** The stack and those of its causes. */
function tell(error: unknown, io: Io): void {
  for (let one: unknown = error, intro = ''; one !== undefined; intro = 'caused by: ') {
    const stack = one instanceof Error ? (one.stack ?? one.message) : String(one)
    for (const line of `${intro}${stack}`.split('\n')) io.stderr.write(`${clean(line)}\n`)
    one = one instanceof Error ? one.cause : undefined
  }
}
