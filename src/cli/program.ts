import { createRequire } from 'node:module'
import { Command } from 'commander'
import type { Host } from './commands/command.ts'
import { addDev } from './commands/dev.ts'
import { addItems } from './commands/items.ts'
import { addLock } from './commands/lock.ts'
import { addMutex } from './commands/mutex.ts'
import { addQueue } from './commands/queue.ts'
import { addTable } from './commands/table.ts'

const version = (): string => createRequire(import.meta.url)('lockrow/package.json').version

const help = `
Environment: LOCKROW_TABLE, AWS_ENDPOINT_URL_DYNAMODB, AWS_REGION, and the credentials as the AWS SDK finds them.
Exit codes: 0 done; 1 not found, or the answer is no; 2 wrong call or surroundings, one line says what to do;
130 stopped by Ctrl-C.

$ lockrow dev
$ lockrow query user#123 --prefix order# --limit 20
$ lockrow queue push jobs --file messages.jsonl`

export function programOf(host: Host): Command {
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
    .configureHelp({ showGlobalOptions: true, helpWidth: Math.min(io.stdout.columns || 100, 110) })
    // What commander says of wrong calls is said by us, on one line.
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      outputError: () => {},
    })
    .addHelpText('after', help)
  addDev(program, host)
  addTable(program, host)
  addItems(program, host)
  addLock(program, host)
  addQueue(program, host)
  addMutex(program, host)
  return program
}
