import { type Command, Option } from 'commander'
import { InvalidInput } from '../../errors.ts'
import type { AtomicDbItem, AtomicDbPage, AtomicDbQuery } from '../../interface.ts'
import { Refusal } from '../failures.ts'
import { count, distance, tableOf, toJson } from '../format.ts'
import { type Answer, action, type Host, type Session, whole } from '../session.ts'

interface QueryFlags {
  prefix?: string
  from?: string
  to?: string
  exclude?: AtomicDbQuery['exclude']
  after?: string
  reverse?: boolean
  limit?: number
  page?: boolean
  cursor?: string
  count?: boolean
  fields?: string[]
  eventual?: boolean
}

const defaultLimit = 100

/** Which option gives a field of the query. */
const optionOf: Record<string, string> = { sk: 'prefix' }
const optionNames = new Set(['from', 'to', 'exclude', 'after', 'limit', 'cursor', 'fields'])

async function query(session: Session, pk: string, flags: QueryFlags): Promise<Answer> {
  checkTogether(flags)
  try {
    if (flags.count) return await counted(session, pk, flags)
    return await listed(session, pk, flags)
  } catch (error) {
    throw named(error)
  }
}

/** Options of which one makes the other one pointless. */
function checkTogether(flags: QueryFlags): void {
  const pairs: [keyof QueryFlags, keyof QueryFlags, string][] = [
    ['count', 'fields', 'a count shows no fields'],
    ['count', 'cursor', 'a count has no pages: --after counts from a key on'],
    ['count', 'page', 'a count has no pages'],
    ['after', 'cursor', 'both say where to go on: give one of them'],
    ['after', 'page', 'pages go on with --cursor'],
  ]
  for (const [one, other, why] of pairs)
    if (flags[one] !== undefined && flags[other] !== undefined)
      throw new Refusal(`--${one} and --${other} do not go together: ${why}`)
}

/** What the query of the API says of a field, said of its option. */
function named(error: unknown): unknown {
  if (!(error instanceof InvalidInput)) return error
  const [field] = error.field.split(/[.[]/) as [string]
  const option = optionOf[field] ?? (optionNames.has(field) ? field : undefined)
  if (option === undefined) return error
  const problem = error.message.slice(error.field.length + 2).replace(/'(from|to|sk|after)'/g, '--$1')
  return new Refusal(`--${option}: ${problem}`.replace('--sk', '--prefix').replace(/in sk$/, 'in --prefix'))
}

async function queryOf(session: Session, pk: string, flags: QueryFlags): Promise<AtomicDbQuery> {
  const { prefix: sk, from, to, exclude, reverse, fields, eventual } = flags
  const given = { sk, from, to, exclude, reverse, fields }
  const only = Object.entries(given).filter(([, value]) => value !== undefined)
  return { pk, ...Object.fromEntries(only), consistent: !eventual, signal: await session.reading() }
}

async function counted(session: Session, pk: string, flags: QueryFlags): Promise<Answer> {
  const { after, limit } = flags
  const db = await session.db()
  const found = await db.count({ ...(await queryOf(session, pk, flags)), after, limit })
  return { records: [{ pk, count: found }], lines: [String(found)] }
}

async function listed(session: Session, pk: string, flags: QueryFlags): Promise<Answer> {
  const byCursor = flags.page || flags.cursor !== undefined
  const { items, more } = await (byCursor ? onePage(session, pk, flags) : firstItems(session, pk, flags))
  const rows = items.map((item) => [item.sk, expiryOf(item), toJson(item.data)])
  const none = items.length === 0 && !session.settings.json ? 'no items' : undefined
  return {
    records: items,
    lines: items.length === 0 ? [] : tableOf(['sk', 'expires', 'data'], rows, session.width),
    note: more ? `${count(items.length, 'item')}, and there are more: ${more}` : none,
  }
}

const expiryOf = ({ ttl }: AtomicDbItem): string =>
  ttl === undefined ? '' : distance(ttl * 1000, Date.now())

type Part = Pick<AtomicDbPage, 'items'> & { more?: string }

async function firstItems(session: Session, pk: string, flags: QueryFlags): Promise<Part> {
  const { after, limit = defaultLimit } = flags
  const db = await session.db()
  const found: AtomicDbItem[] = await db.query({
    ...(await queryOf(session, pk, flags)),
    after,
    limit: limit + 1,
  })
  const items = found.slice(0, limit)
  return found.length > limit ? { items, more: `--after ${JSON.stringify(items.at(-1)!.sk)}` } : { items }
}

async function onePage(session: Session, pk: string, flags: QueryFlags): Promise<Part> {
  const db = await session.db()
  const { limit = defaultLimit, cursor: from } = flags
  const { items, cursor } = await db.page({ ...(await queryOf(session, pk, flags)), limit, cursor: from })
  return cursor === undefined ? { items } : { items, more: `--cursor ${cursor}` }
}

/** Paths, between commas; given again, more of them. */
const paths = (text: string, before: string[] = []): string[] => [...before, ...text.split(',')]

export function addQuery(program: Command, host: Host): void {
  program
    .command('query')
    .description('the items of a partition, in order of sk')
    .argument('<pk>')
    .option('--prefix <sk>', 'only those whose sk begins with this')
    .option('--from <sk>', 'only those from this sk on, the lower bound')
    .option('--to <sk>', 'only those up to this sk, the upper bound')
    .addOption(
      new Option('--exclude <bound>', 'the bound that is not included itself').choices([
        'from',
        'to',
        'both',
      ]),
    )
    .option('--after <sk>', 'only those behind this sk')
    .option('--reverse', 'from the last one')
    .option(
      '--limit <n>',
      `at most so many (default: ${defaultLimit}; with --count: all)`,
      whole(1, 1_000_000),
    )
    .option('--page', 'tell the cursor of the next page, as page() of the API does')
    .option('--cursor <text>', 'the page that this cursor leads to; the other options as before')
    .option('--count', 'only how many there are')
    .option('--fields <paths>', "only these fields of data: 'name,address.city'", paths)
    .option('--eventual', 'an eventually consistent read, at half the price')
    .action(action(host, query))
}
