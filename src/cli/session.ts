/** One run of a command: what it may touch, and how its answer is written. */
import { createInterface } from 'node:readline/promises'
import type { Readable, Writable } from 'node:stream'
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { type Command, InvalidArgumentError } from 'commander'
import type { AtomicDbInterface } from '../interface.ts'
import { type Connection, connect, type Env, type Settings, settingsOf } from './connect.ts'
import { Refusal, Stopped } from './failures.ts'
import { clean, type Line, render, toJson } from './format.ts'
import { storeKinds } from './stores/kinds.ts'
import type { OpenStore } from './stores/store.ts'

type Output = Writable & { isTTY?: boolean; columns?: number }

/** All that the command line touches of its process, so that a test can stand in for it. */
export interface Io {
  env: Env
  stdin: Readable & { isTTY?: boolean }
  stdout: Output
  stderr: Output
  /** Ctrl-C: long work stops at the next batch, reads at once. */
  signal: AbortSignal
}

/** Colours are for terminals, unless NO_COLOR (no-color.org) or TERM=dumb says otherwise. */
export const hasColours = ({ env }: Pick<Io, 'env'>, stream: Output): boolean =>
  stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb'

/** What a command has to say. */
export interface Answer {
  /** With `--json`: one line each. */
  records: readonly unknown[]
  /** For people. */
  lines: readonly Line[]
  /** A remark on stderr, or one for each line, in either form. */
  note?: string | readonly string[] | undefined
  /** @default 0 */
  code?: number
}

/** Nothing there. */
export const nothing = (note: string): Answer => ({ records: [null], lines: [], note, code: 1 })

/** The user said no. */
export const declined = (): Answer => nothing('nothing was done')

/** The settings of a run, and a connection that is opened when it is first needed. */
export class Session {
  readonly io: Io
  readonly settings: Settings
  #connection: Promise<Connection> | undefined
  #store: Promise<OpenStore> | undefined

  constructor(io: Io, settings: Settings) {
    this.io = io
    this.settings = settings
  }

  get table(): string {
    if (this.settings.store) return this.settings.store.table
    if (!this.settings.table) throw new Refusal('which table? give --table, or set LOCKROW_TABLE')
    return this.settings.table
  }

  /** How many characters a line may have; no bound where it goes to a file or a program. */
  get width(): number {
    const { stdout } = this.io
    return stdout.isTTY ? Math.max(40, stdout.columns || 80) : Number.POSITIVE_INFINITY
  }

  connection(): Promise<Connection> {
    this.#connection ??= connect(this.settings, this.io.env)
    return this.#connection
  }

  async client(): Promise<DynamoDBClient> {
    const { store } = this.settings
    if (store) throw new Refusal(`this command is about tables of DynamoDB: leave --${store.kind} out`)
    return (await this.connection()).client
  }

  async db(): Promise<AtomicDbInterface> {
    const { table } = this
    const store = await this.store()
    if (store) return store.db
    const [client, { AtomicDynamoDB }] = await Promise.all([this.client(), import('../dynamo/index.ts')])
    return new AtomicDynamoDB(client, table)
  }

  /** The database in the place of a table of DynamoDB, if there is one. */
  async store(): Promise<OpenStore | undefined> {
    const { store } = this.settings
    if (!store) return undefined
    this.#store ??= storeKinds[store.kind].load().then((opener) => opener.open(store))
    return this.#store
  }

  /** For calls that may be broken off at any moment: ends on Ctrl-C, and when nobody answers. */
  async reading(): Promise<AbortSignal> {
    if (this.settings.store) return this.io.signal
    return AbortSignal.any([this.io.signal, (await this.connection()).gone])
  }

  /** For writes: Ctrl-C lets the one under way finish, or nobody would know whether it happened. */
  async writing(): Promise<AbortSignal> {
    if (this.settings.store) return new AbortController().signal
    return (await this.connection()).gone
  }

  print({ records, lines, note }: Answer): void {
    const { stdout, stderr } = this.io
    const out = this.settings.json
      ? records.map((record) => toJson(record))
      : lines.map((line) => render(line, hasColours(this.io, stdout)))
    for (const line of out) stdout.write(`${line}\n`)
    for (const remark of note === undefined ? [] : [note].flat()) stderr.write(`${clean(remark)}\n`)
  }

  /** Called before anything is looked up: somebody must be there to say yes. */
  requireConsent(what: string): void {
    if (!this.settings.yes && !this.io.stdin.isTTY)
      throw new Refusal(`${what} and there is no terminal to ask on: say --yes if that is meant`)
  }

  /** Asks on the terminal; true with `--yes`. */
  async confirm(question: string): Promise<boolean> {
    if (this.settings.yes) return true
    const { stdin, stderr, signal } = this.io
    // Not a terminal for readline, or Ctrl-C would become a key that it swallows.
    const lines = createInterface({ input: stdin, output: stderr, terminal: false })
    try {
      // The end of the input (Ctrl-D) closes without an answer.
      const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')))
      const answer = await Promise.race([lines.question(`${clean(question)} [y/N] `, { signal }), closed])
      return /^\s*y(es)?\s*$/i.test(answer)
    } catch (error) {
      throw signal.aborted ? new Stopped('stopped') : error
    } finally {
      lines.close()
    }
  }

  throwIfStopped(): void {
    if (this.io.signal.aborted) throw new Stopped('stopped')
  }

  async close(): Promise<void> {
    const store = await this.#store?.catch(() => undefined)
    await store?.close()
    const connection = await this.#connection?.catch(() => undefined)
    connection?.client.destroy()
  }
}

/** What the commands need of their surroundings. */
export interface Host {
  io: Io
  /** Called before a command does anything, so that its failures can be explained. */
  begin(session: Session): void
  end(code: number): void
}

type Handler = (session: Session, ...args: never[]) => Promise<Answer | undefined>

/** The action of a command: settings, work, one place that prints. */
export function action(host: Host, handler: Handler): (...args: unknown[]) => Promise<void> {
  return async (...args) => {
    const command = args.at(-1) as Command
    const session = new Session(host.io, settingsOf(command.optsWithGlobals(), host.io.env))
    host.begin(session)
    try {
      const answer = await handler(session, ...(args.slice(0, -1) as never[]))
      if (answer) session.print(answer)
      host.end(answer?.code ?? 0)
    } finally {
      await session.close()
    }
  }
}

/** A parser of options that are whole numbers. */
export const whole =
  (least: number, most = Number.MAX_SAFE_INTEGER) =>
  (text: string): number => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
    if (value >= least && value <= most) return value
    const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `${least} to ${most}`
    throw new InvalidArgumentError(`It must be a whole number, ${range}.`)
  }
