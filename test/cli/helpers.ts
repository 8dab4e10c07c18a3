import { randomUUID } from 'node:crypto'
import { Readable, Writable } from 'node:stream'
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { AtomicDynamoDB } from 'lockrow/dynamo'
import { afterAll, beforeAll, inject } from 'vitest'
import { run } from '../../src/cli/run.ts'
import type { Io } from '../../src/cli/session.ts'
import { dropTable, freshTable, localClient } from '../setup/local.ts'

export interface Ran {
  code: number
  out: string
  err: string
}

export interface Surroundings {
  env?: Record<string, string>
  /** What comes in; with `tty`, what is typed. */
  input?: string | Buffer | (() => AsyncGenerator<string>)
  /** Somebody sits before a terminal. */
  tty?: boolean
  signal?: AbortSignal
  /** Told of every piece that is written. */
  onErr?: (text: string) => void
  onOut?: (text: string) => void
}

class Collected extends Writable {
  text = ''
  readonly isTTY: boolean
  readonly columns = 80
  readonly #told: ((text: string) => void) | undefined
  constructor(isTTY: boolean, told?: (text: string) => void) {
    super()
    this.isTTY = isTTY
    this.#told = told
  }
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk
    this.#told?.(String(chunk))
    done()
  }
}

/** The command line within this process. */
export async function cli(argv: readonly string[], given: Surroundings = {}): Promise<Ran> {
  // Colours have tests of their own.
  const { env = { NO_COLOR: '1' }, input = '', tty = false, signal = new AbortController().signal } = given
  const stdin: Io['stdin'] = Readable.from(typeof input === 'function' ? input() : [Buffer.from(input)])
  stdin.isTTY = tty
  const stdout = new Collected(tty, given.onOut)
  const stderr = new Collected(tty, given.onErr)
  const code = await run(argv, { env, stdin, stdout, stderr, signal })
  return { code, out: stdout.text, err: stderr.text }
}

/** The lines of `--json`. */
export const records = (ran: Ran): unknown[] =>
  ran.out
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))

/** One table for the tests of a file, and the command line on it. */
export function onTable() {
  let client: DynamoDBClient
  let table = ''
  beforeAll(async () => {
    client = localClient(inject('dynamoEndpoint'))
    table = await freshTable(client, 'cli')
  })
  afterAll(async () => {
    await dropTable(client, table)
    client.destroy()
  })
  return {
    db: () => new AtomicDynamoDB(client, table),
    client: () => client,
    table: () => table,
    pk: () => `p-${randomUUID()}`,
    lockrow: (argv: readonly string[], given: Surroundings = {}) =>
      cli(argv, {
        ...given,
        env: {
          NO_COLOR: '1',
          LOCKROW_TABLE: table,
          AWS_ENDPOINT_URL_DYNAMODB: inject('dynamoEndpoint'),
          ...given.env,
        },
      }),
  }
}
