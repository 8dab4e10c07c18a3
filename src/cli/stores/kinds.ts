import { Refusal } from '../failures.ts'
import type { ChosenStore, Store } from './store.ts'

/** A kind of database that an option of the command line takes in the place of a table of DynamoDB. */
interface Kind {
  /** What the option and the variable hold, as the help says it. */
  readonly value: string
  readonly about: string
  readonly variable: string
  /** The address without passwords, for messages. @throws Refusal for what is none */
  shown(address: string): string
  load(): Promise<Store>
}

/** By their options. */
export const storeKinds = {
  sqlite: {
    value: '<file>',
    about: 'a SQLite file in the place of a table of DynamoDB',
    variable: 'LOCKROW_SQLITE',
    shown: (file) => file,
    load: async () => (await import('./sqlite.ts')).sqliteStore,
  },
  postgres: {
    value: '<url>',
    about: 'a database of PostgreSQL, e.g. postgres://app@localhost/shop',
    variable: 'LOCKROW_POSTGRES',
    shown: (url) => hostOf(url, '--postgres or LOCKROW_POSTGRES', ['postgres:', 'postgresql:']),
    load: async () => (await import('./postgres.ts')).postgresStore,
  },
  redis: {
    value: '<url>',
    about: 'a database of Redis or Valkey, e.g. redis://localhost:6379',
    variable: 'LOCKROW_REDIS',
    shown: (url) => hostOf(url, '--redis or LOCKROW_REDIS', ['redis:', 'rediss:']),
    load: async () => (await import('./redis.ts')).redisStore,
  },
} satisfies Record<string, Kind>

export type StoreName = keyof typeof storeKinds

export const storeNames = Object.keys(storeKinds) as StoreName[]

interface Chosen extends Partial<Record<StoreName, string>> {
  table?: string
  endpoint?: string
  region?: string
}

/** Options come before variables. LOCKROW_TABLE names a table of DynamoDB, and does not count here. */
export function chosenStore(
  flags: Chosen,
  env: Readonly<Record<string, string | undefined>>,
): (ChosenStore & { kind: StoreName }) | undefined {
  const given = storeNames.filter((name) => flags[name] !== undefined)
  const { table = 'lockrow', endpoint, region } = flags
  if (given.length > 1) throw new Refusal(`${options(given)} cannot stand together: give one of them`)
  if (given.length === 1 && (endpoint || region))
    throw new Refusal(
      `${options(given)} names no table of DynamoDB: it cannot stand with --endpoint or --region`,
    )
  const isDynamo = flags.table || endpoint || region
  const kinds =
    given.length > 0 || isDynamo ? given : storeNames.filter((name) => env[storeKinds[name].variable])
  if (kinds.length > 1)
    throw new Refusal(
      `${kinds.map((name) => storeKinds[name].variable).join(' and ')} are set together: choose by an option, ${options(kinds)}`,
    )
  const [kind] = kinds
  if (kind === undefined) return undefined
  const address = flags[kind] ?? env[storeKinds[kind].variable]!
  return { kind, address, where: storeKinds[kind].shown(address), table }
}

const options = (names: readonly StoreName[]): string => names.map((name) => `--${name}`).join(' and ')

/** Host and path of an address. */
function hostOf(address: string, named: string, protocols: readonly string[]): string {
  const url = URL.canParse(address) ? new URL(address) : undefined
  // What was given is not repeated: it may hold a password.
  if (!url || !protocols.includes(url.protocol))
    throw new Refusal(`what ${named} names is no address: write it as ${protocols[0]}//user@host/name`)
  return `${url.protocol}//${url.host}${url.pathname}`
}
