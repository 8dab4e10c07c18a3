import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import {
  type AttributeValue,
  BatchWriteItemCommand,
  PutItemCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb'
import { AtomicDynamoDB } from 'lockrow/dynamo'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { dropTable, freshTable } from '../../setup/local.ts'
import { onTable, records, type Surroundings } from '../helpers.ts'

const on = onTable()
let folder = ''
let table = ''
const children = new Set<ChildProcess>()
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lockrow-convert-'))
})
afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})
beforeEach(async () => {
  table = await freshTable(on.client(), 'convert')
})
afterEach(() => dropTable(on.client(), table))

type WireRow = Record<string, AttributeValue>

/** A row by the reference implementation's documented format: `data` a JSON text, or gzip of it. */
const theirs = (pk: string, sk: string, data: unknown, { compressData = false, ttl = 0 } = {}): WireRow => {
  const text = JSON.stringify(data)
  return {
    pk: { S: pk },
    sk: { S: sk },
    data: compressData ? { B: gzipSync(text) } : { S: text },
    ...(ttl && { ttl: { N: String(ttl) } }),
  }
}

const put = (Item: WireRow) => on.client().send(new PutItemCommand({ TableName: table, Item }))

async function putAll(rows: readonly WireRow[]): Promise<void> {
  for (let i = 0; i < rows.length; i += 25) {
    const RequestItems = { [table]: rows.slice(i, i + 25).map((Item) => ({ PutRequest: { Item } })) }
    await on.client().send(new BatchWriteItemCommand({ RequestItems }))
  }
}

async function rowsThere(): Promise<WireRow[]> {
  const found: WireRow[] = []
  let ExclusiveStartKey: WireRow | undefined
  do {
    const input = { TableName: table, ConsistentRead: true, ...(ExclusiveStartKey && { ExclusiveStartKey }) }
    const page = await on.client().send(new ScanCommand(input))
    found.push(...(page.Items ?? []))
    ExclusiveStartKey = page.LastEvaluatedKey
  } while (ExclusiveStartKey)
  return found
}

const state = () => join(folder, `${table}.json`)
const convert = (argv: string[] = [], given: Surroundings = {}) =>
  on.lockrow(['convert', '--yes', '--table', table, '--state', state(), ...argv], given)
const db = () => new AtomicDynamoDB(on.client(), table)
const soon = Math.floor(Date.now() / 1000) + 86_400

describe('convert', () => {
  it('makes rows of lockrow out of JSON texts, plain and compressed, and leaves everything else', async () => {
    const large = { text: 'hello world '.repeat(2000), list: Array.from({ length: 100 }, (_, i) => i) }
    const tricky = ['"42"', 42, '42', 'plain', true, null, [], { $set: [1] }, { a: [{ b: 1.5 }, ''] }]
    await putAll([
      theirs('user#1', 'profile', { name: 'John', age: 30 }, { ttl: soon }),
      theirs('user#1', 'large', large, { compressData: true, ttl: soon }),
      ...tricky.map((data, i) => theirs('tricky', String(i), data, { compressData: i % 2 === 1 })),
    ])
    const others: WireRow[] = [
      { pk: { S: 'user#1' }, sk: { S: 'none' } },
      { pk: { S: 'user#1' }, sk: { S: 'counter#lock' }, version: { S: '01H' }, ttl: { N: String(soon) } },
      { pk: { S: '__FIFO__jobs' }, sk: { S: '1' }, data: { S: '{}' }, isProcessing: { BOOL: false } },
      { pk: { S: 'USER#9' }, sk: { S: 'A' }, data: { S: '{"x":1}' }, GSI1PK: { S: 'g' } },
      { pk: { S: 'USER#9' }, sk: { S: 'B' }, total: { N: '5' }, data: { S: 'not JSON' } },
      { pk: { S: 'USER#9' }, sk: { S: 'C' }, data: { S: 'not JSON' } },
      { pk: { S: 'USER#9' }, sk: { S: 'D' }, data: { B: new Uint8Array([0x1f, 0x8b, 8, 0]) } },
    ]
    await putAll(others)
    await db().set({ pk: 'ours', sk: 'a', data: { list: ['x'] } })
    await db().queuePush({ pk: 'queue', data: '{"a":"text that looks like JSON"}' })

    const dry = await convert(['--dry-run', '--json'])
    const expected = {
      converted: 11,
      compressed: 5,
      messages: 1,
      foreign: 2,
      other: 2,
      refused: 0,
      changed: 0,
    }
    expect(records(dry)).toMatchObject([{ ...expected, dryRun: true, scanned: 20 }])
    expect((await rowsThere()).filter(({ w }) => w)).toEqual([])

    const ran = await convert()
    expect(ran).toMatchObject({ code: 0, err: '' })
    expect(ran.out).toContain(`converted 11 rows of '${table}' (5 compressed), of 20 looked at\n`)
    expect(ran.out).toMatch(/left 1 messages of the old queue.*\nleft 2 rows of other.*\nleft 2 with data/)
    expect(existsSync(state())).toBe(false)

    expect(await db().get({ pk: 'user#1', sk: 'profile' })).toStrictEqual({
      pk: 'user#1',
      sk: 'profile',
      data: { name: 'John', age: 30 },
      ttl: soon,
    })
    expect((await db().get({ pk: 'user#1', sk: 'large' }))!.data).toStrictEqual(large)
    const read = await db().query({ pk: 'tricky' })
    expect(read.map(({ data }) => data)).toStrictEqual(tricky)
    // The server reaches inside.
    const { item } = await db().update<{ age: number }>({ pk: 'user#1', sk: 'profile' }, { add: { age: 1 } })
    expect(item!.data.age).toBe(31)
    const now = await rowsThere()
    for (const other of others) expect(now).toContainEqual(other)
    expect((await db().queuePeek({ pk: 'queue' }))[0]!.data).toBe('{"a":"text that looks like JSON"}')

    // Once more does nothing, also to texts that still look like JSON.
    const again = await convert(['--json'])
    expect(records(again)).toMatchObject([{ ...expected, converted: 0, compressed: 0 }])
    expect((await db().query({ pk: 'tricky' })).map(({ data }) => data)).toStrictEqual(tricky)
  })

  it('takes a prefix only, and names what lockrow cannot store', async () => {
    const deep = JSON.parse(`${'['.repeat(40)}1${']'.repeat(40)}`)
    await putAll([
      theirs('a#1', '1', { ok: true }),
      theirs('a#1', 'deep', deep),
      theirs('a#1', 'huge', { content: '0'.repeat(1024 * 1024) }, { compressData: true }),
      theirs('b#1', '1', { ok: true }),
    ])
    const ran = await convert(['--prefix', 'a#'])
    expect(ran.code).toBe(1)
    expect(ran.out).toMatch(/converted 1 row .*\nleft 2 that lockrow cannot store/)
    expect(ran.err).toMatch(/^cannot store \["a#1","deep"\]: data.*$/m)
    expect(ran.err).toMatch(/^cannot store \["a#1","huge"\]: .*409600 bytes.*$/m)
    expect((await db().get({ pk: 'b#1', sk: '1' }))!.data).toBe('{"ok":true}')
  })

  it('does not undo what is written between its reading and its writing', async () => {
    await putAll(Array.from({ length: 30 }, (_, i) => theirs('p', String(i).padStart(2, '0'), { n: i })))
    let raced = false
    on.client().middlewareStack.add(
      (next, context) => async (args) => {
        const reply = await next(args)
        const input = args.input as { TableName?: string; FilterExpression?: string }
        if (context.commandName === 'ScanCommand' && input.TableName === table && !raced) {
          raced = true
          await put(theirs('p', '07', { n: 'newer' }))
        }
        return reply
      },
      { step: 'initialize', name: 'race', override: true },
    )
    const { TextRows } = await import('../../../src/dynamo/text-rows.ts')
    const rows = new TextRows(on.client(), table)
    const page = await rows.page({ after: undefined, prefix: undefined, limit: 100 }, {})
    on.client().middlewareStack.remove('race')
    const results = await Promise.all(page.rows.map((row) => rows.replace(row, { n: 'ours' }, {})))
    expect(results.filter((result) => result === 'changed')).toHaveLength(1)
    expect((await db().get({ pk: 'p', sk: '07' }))!.data).toBe('{"n":"newer"}')
    expect(await rows.replace(page.rows[0]!, { n: 'ours' }, {})).toBe('already')
    expect(records(await convert(['--json']))).toMatchObject([{ converted: 1 }])
    expect((await db().get({ pk: 'p', sk: '07' }))!.data).toStrictEqual({ n: 'newer' })
  })

  it('shows a bar, stops at Ctrl-C, and goes on where it was', async () => {
    const all = Array.from({ length: 400 }, (_, i) => theirs(`p${i % 7}`, String(i), `"${i}"`))
    await putAll(all)
    const stop = new AbortController()
    const ran = await convert([], {
      tty: true,
      signal: stop.signal,
      onErr: (text) => {
        if (/[1-9]\d*\/400/.test(text)) stop.abort()
      },
    })
    expect(ran).toMatchObject({ code: 130, out: '' })
    expect(ran.err).toContain('convert [')
    expect(ran.err).toMatch(/stopped: converted 250 rows .*; the same command goes on \(.*\)\n$/)
    expect(JSON.parse(readFileSync(state(), 'utf8'))).toMatchObject({ table, counts: { converted: 250 } })
    const other = await convert(['--prefix', 'p1'])
    expect(other).toMatchObject({ code: 2, out: '' })
    expect(other.err).toContain('is of another conversion (prefix')
    const rest = await convert(['--json'])
    expect(records(rest)).toMatchObject([{ converted: 400, scanned: 400, stopped: false }])
    for (const row of await rowsThere()) expect(row.data).toEqual({ S: `"${row.sk!.S}"` })
  })

  it('killed in the middle, converts each row once', async () => {
    // A text that is JSON three times over: converting it twice would be seen.
    const text = (i: number) => JSON.stringify(JSON.stringify(String(i)))
    await putAll(Array.from({ length: 600 }, (_, i) => theirs(`p${i % 3}`, String(i), text(i))))
    const script = resolve(import.meta.dirname, '../../../src/cli/index.ts')
    const where = ['--table', table, '--endpoint', inject('dynamoEndpoint'), '--state', state()]
    const converted = async () => (await rowsThere()).filter(({ w }) => w).length
    const child = spawn(process.execPath, ['--import', 'tsx', script, 'convert', '--yes', ...where], {
      env: { PATH: process.env.PATH, HOME: folder },
      stdio: 'ignore',
    })
    children.add(child)
    const ended = once(child, 'exit')
    while (child.exitCode === null && (await converted()) < 60);
    child.kill('SIGKILL')
    await ended
    children.delete(child)
    expect((await convert()).code).toBe(0)
    const rows = await rowsThere()
    expect(rows).toHaveLength(600)
    for (const row of rows)
      expect(row).toMatchObject({ data: { S: text(Number(row.sk!.S)) }, w: { S: 'converted' } })
  })

  it('asks first, and refuses without a terminal; a state that is none is named', async () => {
    await put(theirs('p', '1', { n: 1 }))
    const argv = ['convert', '--table', table, '--state', state()]
    expect(await on.lockrow(argv)).toMatchObject({ code: 2, err: expect.stringContaining('--yes') })
    expect(await on.lockrow(argv, { tty: true, input: 'n\n' })).toMatchObject({ code: 1 })
    writeFileSync(state(), '{"after":1}')
    const ran = await convert()
    expect(ran).toMatchObject({ code: 2, out: '' })
    expect(ran.err).toContain('is not the state of a conversion')
    expect((await db().get({ pk: 'p', sk: '1' }))!.data).toBe('{"n":1}')
  })
})
