import type { Command } from 'commander'
import { showKey } from '../../engine/keys.ts'
import type { AtomicDbItem } from '../../interface.ts'
import { count, fieldsOf, moment, tableOf, toJson } from '../format.ts'
import type { Answer, Session } from '../session.ts'
import { whole } from '../settings.ts'
import { action, type Host, nothing } from './command.ts'

interface ReadFlags {
  eventual?: boolean
}

interface QueryFlags extends ReadFlags {
  prefix?: string
  after?: string
  limit: number
  reverse?: boolean
}

const expiry = ({ ttl }: AtomicDbItem) => (ttl === undefined ? '' : moment(ttl * 1000, Date.now()))

async function get(session: Session, pk: string, sk: string, flags: ReadFlags): Promise<Answer> {
  const db = await session.db()
  const item = await db.get({ pk, sk }, { consistent: !flags.eventual, signal: await session.reading() })
  if (!item) return nothing(`there is no item at ${showKey({ pk, sk })}`)
  const head = fieldsOf([
    ['pk', item.pk],
    ['sk', item.sk],
    ['expires', expiry(item) || undefined],
  ])
  return { records: [item], lines: [...head, JSON.stringify(JSON.parse(toJson(item.data)), null, 2)] }
}

async function query(session: Session, pk: string, flags: QueryFlags): Promise<Answer> {
  const { prefix: sk, after, limit, reverse, eventual } = flags
  const db = await session.db()
  const signal = await session.reading()
  const found = await db.query({ pk, sk, after, reverse, consistent: !eventual, limit: limit + 1, signal })
  const items = found.slice(0, limit)
  const rows = items.map((item) => [item.sk, expiry(item), toJson(item.data)])
  const more =
    found.length > limit ? `there are more: --after ${JSON.stringify(items.at(-1)!.sk)}` : undefined
  const none = items.length === 0 && !session.settings.json ? 'no items' : undefined
  return {
    records: items,
    lines: items.length === 0 ? [] : tableOf(['sk', 'expires', 'data'], rows, session.width),
    note: more ? `${count(items.length, 'item')}, and ${more}` : none,
  }
}

export function addItems(program: Command, host: Host): void {
  program
    .command('get')
    .description('one item (exit code 1: there is none)')
    .argument('<pk>')
    .argument('<sk>')
    .option('--eventual', 'an eventually consistent read, at half the price')
    .action(action(host, get))
  program
    .command('query')
    .description('the items of a partition, in order of sk')
    .argument('<pk>')
    .option('--prefix <sk>', 'only those whose sk begins with this')
    .option('--after <sk>', 'only those behind this sk')
    .option('--limit <n>', 'at most so many', whole(1, 1_000_000), 100)
    .option('--reverse', 'from the last one')
    .option('--eventual', 'an eventually consistent read, at half the price')
    .action(action(host, query))
}
