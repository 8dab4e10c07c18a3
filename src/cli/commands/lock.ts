import type { Command } from 'commander'
import { lockKey, showKey } from '../../engine/keys.ts'
import { fieldsOf, moment } from '../format.ts'
import { readLock } from '../operations/lock.ts'
import type { Answer, Session } from '../session.ts'
import { action, type Host, nothing } from './command.ts'

async function show(session: Session, pk: string, sk: string, flags: { exact?: boolean }): Promise<Answer> {
  const { table } = session
  const options = { exact: flags.exact ?? false, signal: await session.reading() }
  const lock = await readLock(await session.client(), table, { pk, sk }, options)
  if (!lock) return nothing(`there is no lock at ${showKey(flags.exact ? { pk, sk } : lockKey({ pk, sk }))}`)
  const now = Date.now()
  const lines = fieldsOf([
    ['pk', lock.pk],
    ['sk', lock.sk],
    ['version', lock.version],
    ['written', moment(lock.writtenAt, now)],
    ['expires', moment(lock.ttl * 1000, now)],
  ])
  return { records: [lock], lines }
}

export function addLock(program: Command, host: Host): void {
  program
    .command('lock')
    .description('locks of items')
    .command('show')
    .description('the lock of an item, without making one (exit code 1: there is none, or it has expired)')
    .argument('<pk>')
    .argument('<sk>', 'of the item: its lock is at <sk>#lock')
    .option('--exact', 'the sk given is that of the lock itself')
    .action(action(host, show))
}
