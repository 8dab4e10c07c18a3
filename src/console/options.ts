import { InvalidInput } from '../errors.ts'
import { checkFunction } from '../model/checks.ts'
import { optionsCheck } from '../model/options-check.ts'
import { Recording } from './recording.ts'
import { UnitMeter } from './unit-meter.ts'

/** A collection of `lockrow/collections`: its name, and its access patterns as a table of Markdown. */
export interface ConsoleCollection {
  readonly name: string
  describe(): string
}

/** Options of `consoleHandler`. */
export interface ConsoleOptions {
  /**
   * Whether this request may see the console: the authentication of your application. It is asked for the page and for
   * each of its requests. Required, unless there is a `token`; a middleware in front may have asked already:
   * `() => true`.
   */
  authorize?: (request: Request) => boolean | Promise<boolean>
  /** Each request of the page must carry it; the page takes it from the fragment `#token=...` of the link. 16 characters or more. */
  token?: string
  /**
   * The values of `Host` that are answered, with the port where it is not the usual one. Another page whose name leads
   * to this server (DNS rebinding) is refused by it.
   *
   * @default localhost, 127.0.0.1 and [::1] with any port
   */
  hosts?: readonly string[]
  /** Where it is mounted, such as `/admin/lockrow`. @default '/' */
  basePath?: string
  /** Allow what changes the table. Without it the server refuses every such request. @default false */
  write?: boolean
  /** What the page calls the database. @default 'lockrow' */
  title?: string
  /** Where it is, such as the region; shown beside the title. */
  where?: string
  /** Queues that are shown at once; others are found by their name, or by a scan. */
  queues?: readonly string[]
  /** Collections that are shown with their indexes. */
  collections?: readonly ConsoleCollection[]
  /**
   * Offer what scans the table: lists of partitions, queues and leases, and versions of locks. Needs the right to scan.
   *
   * @default false
   */
  scan?: boolean
  /** What this process commits, for the timeline of transactions. */
  recording?: Recording
  /** What the console spends. */
  meter?: UnitMeter
  /** What the application, or the demo, spends, beside it. */
  traffic?: UnitMeter
  /** Bound on each request of the page, ms. @default 10000 */
  timeoutMs?: number
  /** What the page says of an error of the backend. @default its message */
  explain?: (error: unknown) => string
  /** Told when the backend fails, and with `undefined` when it answers again. */
  onTrouble?: (message: string | undefined) => void
}

const check = /* @__PURE__ */ optionsCheck<ConsoleOptions>(() => [
  {
    authorize: true,
    token: true,
    hosts: true,
    basePath: true,
    write: 'boolean',
    title: true,
    where: true,
    queues: true,
    collections: true,
    scan: 'boolean',
    recording: true,
    meter: true,
    traffic: true,
    timeoutMs: true,
    explain: true,
    onTrouble: true,
  },
  {
    readOnly: "reading is the default: 'write: true' allows more",
    readonly: "use 'write'",
    path: "use 'basePath'",
  },
])

/** The options with their defaults. */
export type ConsoleSettings = ConsoleOptions &
  Required<
    Pick<ConsoleOptions, 'basePath' | 'write' | 'scan' | 'title' | 'queues' | 'collections' | 'timeoutMs'>
  >

const texts = (given: unknown, field: string): void => {
  if (given === undefined) return
  if (!Array.isArray(given) || !given.every((one) => typeof one === 'string' && one !== ''))
    throw new InvalidInput(field, 'must be a list of texts')
}

const text = (given: unknown, field: string, least = 0): void => {
  if (given !== undefined && (typeof given !== 'string' || given.length < least))
    throw new InvalidInput(field, `must be a text${least > 0 ? ` of at least ${least} characters` : ''}`)
}

function functions(options: ConsoleOptions): void {
  for (const name of ['authorize', 'explain', 'onTrouble'] as const)
    if (options[name] !== undefined) checkFunction(options[name], `options.${name}`)
}

export function consoleSettings(options: ConsoleOptions): ConsoleSettings {
  check(options)
  if (options?.token === undefined && options?.authorize === undefined)
    throw new InvalidInput('options.authorize', 'is missing: say who may see the console, or give a token')
  text(options.token, 'options.token', 16)
  text(options.title, 'options.title')
  text(options.where, 'options.where')
  texts(options.hosts, 'options.hosts')
  texts(options.queues, 'options.queues')
  functions(options)
  for (const name of ['meter', 'traffic'] as const)
    if (options[name] !== undefined && !(options[name] instanceof UnitMeter))
      throw new InvalidInput(`options.${name}`, 'must be a UnitMeter')
  if (options.recording !== undefined && !(options.recording instanceof Recording))
    throw new InvalidInput('options.recording', 'must be a Recording')
  return {
    ...options,
    basePath: basePathOf(options.basePath),
    write: options.write ?? false,
    scan: options.scan ?? false,
    title: options.title ?? 'lockrow',
    queues: options.queues ?? [],
    collections: options.collections ?? [],
    timeoutMs: options.timeoutMs ?? 10_000,
  }
}

/** With a slash at the end: the page asks for what lies below it. */
function basePathOf(given = '/'): string {
  if (typeof given !== 'string' || !/^\/([\w.~-]+\/?)*$/.test(given))
    throw new InvalidInput('options.basePath', "must be a path such as '/admin/lockrow'")
  return given.endsWith('/') ? given : `${given}/`
}
