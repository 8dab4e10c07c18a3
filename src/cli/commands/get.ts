import type { Command } from 'commander'
import { showKey } from '../../model/keys.ts'
import { fieldsOf, moment, toJson } from '../format.ts'
import { type Answer, action, type Host, nothing, type Session } from '../session.ts'

interface ReadFlags {
  eventual?: boolean
}

async function get(session: Session, pk: string, sk: string, flags: ReadFlags): Promise<Answer> {
  const db = await session.db()
  const item = await db.get({ pk, sk }, { consistent: !flags.eventual, signal: await session.reading() })
  if (!item) return nothing(`there is no item at ${showKey({ pk, sk })}`)
  const head = fieldsOf([
    ['pk', item.pk],
    ['sk', item.sk],
    ['expires', item.ttl === undefined ? undefined : moment(item.ttl * 1000, Date.now())],
  ])
  return { records: [item], lines: [...head, ...toJson(item.data, 2).split('\n')] }
}

export function addGet(program: Command, host: Host): void {
  program
    .command('get')
    .description('one item (exit code 1: there is none)')
    .argument('<pk>')
    .argument('<sk>')
    .option('--eventual', 'an eventually consistent read, at half the price')
    .action(action(host, get))
}
