import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { AtomicDbInterface } from '../interface.ts'
import { type Connection, connect } from './connect.ts'
import { Refusal, Stopped } from './failures.ts'
import { toJson } from './format.ts'
import type { Io } from './io.ts'
import type { Settings } from './settings.ts'

/** What a command has to say. */
export interface Answer {
  /** With `--json`: one line each. */
  records: readonly unknown[]
  /** For people. */
  lines: readonly string[]
  /** A remark on stderr, in either form. */
  note?: string
  /** Default 0. */
  code?: number
}

/** One run of a command: its settings, and a connection opened when it is first needed. */
export class Session {
  readonly io: Io
  readonly settings: Settings
  #connection: Promise<Connection> | undefined

  constructor(io: Io, settings: Settings) {
    this.io = io
    this.settings = settings
  }

  get table(): string {
    if (!this.settings.table) throw new Refusal('which table? give --table, or set LOCKROW_TABLE')
    return this.settings.table
  }

  /** How many characters a line may have; no bound where it goes to a file or a program. */
  get width(): number {
    const { stdout } = this.io
    return stdout.isTTY ? Math.max(40, stdout.columns || 80) : Number.POSITIVE_INFINITY
  }

  connection(): Promise<Connection> {
    this.#connection ??= connect(this.settings, this.io)
    return this.#connection
  }

  async client(): Promise<DynamoDBClient> {
    return (await this.connection()).client
  }

  async db(): Promise<AtomicDbInterface> {
    const { table } = this
    const [client, { AtomicDynamoDB }] = await Promise.all([this.client(), import('../dynamo/index.ts')])
    return new AtomicDynamoDB(client, table)
  }

  /** For calls that may be broken off at any moment: ends on Ctrl-C, and when nobody answers. */
  async reading(): Promise<AbortSignal> {
    return AbortSignal.any([this.io.signal, (await this.connection()).gone])
  }

  /** For writes: Ctrl-C lets the one under way finish, or nobody would know whether it happened. */
  async writing(): Promise<AbortSignal> {
    return (await this.connection()).gone
  }

  print({ records, lines, note }: Answer): void {
    const { stdout, stderr } = this.io
    const out = this.settings.json ? records.map(toJson) : lines
    for (const line of out) stdout.write(`${line}\n`)
    if (note !== undefined) stderr.write(`${note}\n`)
  }

  throwIfStopped(): void {
    if (this.io.signal.aborted) throw new Stopped('stopped')
  }

  async close(): Promise<void> {
    const connection = await this.#connection?.catch(() => undefined)
    connection?.client.destroy()
  }
}
