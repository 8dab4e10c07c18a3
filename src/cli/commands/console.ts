import type { Command } from 'commander'
import type { ConsoleFlags } from '../console/show-console.ts'
import { action, type Host, type Session, whole } from '../session.ts'

/** Loaded when it is needed: page, server and demo come with it. */
async function show(session: Session, flags: ConsoleFlags): Promise<undefined> {
  const { showConsole } = await import('../console/show-console.ts')
  return showConsole(session, flags)
}

const gathered = (value: string, before: string[] = []): string[] => [...before, value]

export function addConsole(program: Command, host: Host): void {
  program
    .command('console')
    .description('a page with queues, locks, items, transactions and costs, on this machine only')
    .option('--port <n>', `port to listen on; 0: any that is free (default: 7410)`, whole(0, 65_535))
    .option('--queue <name>', 'a queue to show at once; may be given several times', gathered)
    .option('--write', 'allow the page to change the table, each time after a confirmation')
    .option('--demo', 'a shop in memory, with traffic, instead of a table')
    .action(action(host, show))
}
