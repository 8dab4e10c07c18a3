/** The table that a console shows: opened when it is first asked for, and again after it could not be. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { UnitMeter } from '../../console/index.ts'
import type { AtomicDbInterface } from '../../interface.ts'
import {
  type AnswerOf,
  type ArgumentsOf,
  type ContractMethod,
  ForwardingDb,
} from '../../model/forwarding-db.ts'
import { type ScanRowsOptions, scanRows } from '../../model/scan-rows.ts'
import type { ScanPage } from '../../storage.ts'
import { meterClient } from './metered-client.ts'

/** A page that waits wants to hear soon that nobody answers. */
const callMs = 5000
const tries = 3

/** An open table. */
interface Opened {
  client: DynamoDBClient
  db: AtomicDbInterface
}

export class DynamoSource {
  readonly #table: string
  readonly #open: () => Promise<DynamoDBClient>
  readonly #meter: UnitMeter
  #opening: Promise<Opened> | undefined

  /** `open` makes a client, or says why there is none. */
  constructor(table: string, open: () => Promise<DynamoDBClient>, meter: UnitMeter) {
    this.#table = table
    this.#open = open
    this.#meter = meter
  }

  /** Credentials that were missing may be there at the next request. */
  opened(): Promise<Opened> {
    this.#opening ??= this.#openTable().catch((error: unknown) => {
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  async #openTable(): Promise<Opened> {
    const [client, { AtomicDynamoDB }] = await Promise.all([this.#open(), import('../../dynamo/index.ts')])
    meterClient(client, this.#meter)
    const retry = { attempts: tries }
    return { client, db: new AtomicDynamoDB(client, this.#table, { timeoutMs: callMs, retry }) }
  }

  async close(): Promise<void> {
    const opened = await this.#opening?.catch(() => undefined)
    opened?.client.destroy()
  }
}

/** The database of a source, opened at its first call. */
export class LateDb extends ForwardingDb {
  readonly #source: DynamoSource

  constructor(source: DynamoSource, shape: AtomicDbInterface) {
    super(shape)
    this.#source = source
  }

  protected override forward<M extends ContractMethod>(method: M, args: ArgumentsOf<M>): AnswerOf<M> {
    const answer: Promise<unknown> = this.#source.opened().then(({ db }) => {
      const call = db[method] as (...given: ArgumentsOf<M>) => Promise<unknown>
      return call.apply(db, args)
    })
    return answer as AnswerOf<M>
  }

  protected override async scan(options: ScanRowsOptions): Promise<ScanPage> {
    return scanRows((await this.#source.opened()).db, options)
  }
}
