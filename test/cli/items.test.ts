import { randomUUID } from 'node:crypto'
import { CreateTableCommand } from '@aws-sdk/client-dynamodb'
import { lockKey, Mutex } from 'lockrow'
import { describe, expect, inject, it } from 'vitest'
import { dropTable } from '../setup/local.ts'
import { onTable, records } from './helpers.ts'

const on = onTable()
const { lockrow } = on

describe('table', () => {
  it('create makes it once, describe tells of it', async () => {
    const table = `cli-${randomUUID()}`
    const args = ['--table', table]
    try {
      expect(await lockrow(['table', 'describe', ...args])).toEqual({
        code: 2,
        out: '',
        err: `lockrow: there is no table '${table}' at ${inject('dynamoEndpoint')}: make it with 'lockrow table create', or check --table, --region and --endpoint\n`,
      })
      const made = await lockrow(['table', 'create', ...args])
      expect(made).toMatchObject({ code: 0, err: '' })
      expect(made.out).toMatch(new RegExp(`^made the table '${table}'\n`))
      const again = await lockrow(['table', 'create', '--json', ...args])
      expect(records(again)).toMatchObject([{ table, created: false, ttl: 'ttl', problems: [] }])
      const described = await lockrow(['table', 'describe', ...args])
      expect(described.out).toMatch(/^status +ACTIVE$/m)
      expect(described.out).toMatch(/^expiry +TTL on 'ttl'$/m)
      expect(described.out).toMatch(/^for lockrow +good$/m)
    } finally {
      await dropTable(on.client(), table)
    }
  })

  it('describe says no to a table with other keys', async () => {
    const table = `cli-${randomUUID()}`
    await on.client().send(
      new CreateTableCommand({
        TableName: table,
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      }),
    )
    const ran = await lockrow(['table', 'describe', '--json', '--table', table])
    await dropTable(on.client(), table)
    expect(ran.code).toBe(1)
    expect(records(ran)).toMatchObject([{ problems: [expect.stringContaining('must be pk and sk')] }])
  })
})

describe('get', () => {
  it('shows an item, for people and for machines', async () => {
    const pk = on.pk()
    const ttl = Math.floor(Date.now() / 1000) + 3600
    const data = { name: 'Ann', big: 2n ** 60n, bytes: new Uint8Array([1, 2]), tags: new Set(['a']) }
    await on.db().set({ pk, sk: 'a', data, ttl })
    const human = await lockrow(['get', pk, 'a'])
    expect(human).toMatchObject({ code: 0, err: '' })
    expect(human.out).toContain('"name": "Ann"')
    expect(human.out).toMatch(/^expires +\S+ \(in (59 min 5\d s|1 h)\)$/m)
    expect(records(await lockrow(['get', pk, 'a', '--json']))).toEqual([
      {
        pk,
        sk: 'a',
        ttl,
        data: {
          name: 'Ann',
          big: { $bigint: String(2n ** 60n) },
          bytes: { $bytes: 'AQI=' },
          tags: { $set: ['a'] },
        },
      },
    ])
  })

  it('what is not there is exit code 1', async () => {
    const pk = on.pk()
    expect(await lockrow(['get', pk, 'x'])).toEqual({
      code: 1,
      out: '',
      err: `there is no item at ${pk}/x\n`,
    })
    expect(await lockrow(['get', pk, 'x', '--json'])).toMatchObject({ code: 1, out: 'null\n' })
    expect(await lockrow(['get', pk, 'x', '--eventual'])).toMatchObject({ code: 1 })
  })
})

describe('query', () => {
  it('pages through a partition', async () => {
    const pk = on.pk()
    await on.db().set(['a1', 'a2', 'a3', 'b1'].map((sk) => ({ pk, sk, data: { sk } })))
    const human = await lockrow(['query', pk, '--prefix', 'a'])
    expect(human.out.split('\n').map((line) => line.split(/ +/)[0])).toEqual(['sk', 'a1', 'a2', 'a3', ''])
    const first = await lockrow(['query', pk, '--limit', '2', '--json'])
    expect(records(first).map((item) => (item as { sk: string }).sk)).toEqual(['a1', 'a2'])
    expect(first.err).toBe('2 items, and there are more: --after "a2"\n')
    const rest = await lockrow(['query', pk, '--after', 'a2', '--json'])
    expect(records(rest)).toEqual(['a3', 'b1'].map((sk) => ({ pk, sk, data: { sk } })))
    expect(rest.err).toBe('')
    const last = await lockrow(['query', pk, '--reverse', '--limit', '1', '--json'])
    expect(records(last)).toMatchObject([{ sk: 'b1' }])
  })

  it('of nothing is nothing, and no error', async () => {
    expect(await lockrow(['query', on.pk()])).toEqual({ code: 0, out: '', err: 'no items\n' })
    expect(await lockrow(['query', on.pk(), '--json'])).toEqual({ code: 0, out: '', err: '' })
  })

  it('keeps to the width of a terminal and lets no data control it', async () => {
    const pk = on.pk()
    await on.db().set({ pk, sk: 'a\u001b[31m\u009b', data: 'x'.repeat(200) })
    const { out } = await lockrow(['query', pk], { tty: true })
    expect(out).toContain('a\\x1b[31m\\x9b')
    expect(Math.max(...out.split('\n').map((line) => line.length))).toBe(80)
    expect((await lockrow(['query', pk])).out).toContain('x'.repeat(200))
  })
})

describe('lock show', () => {
  it('shows a lock and makes none', async () => {
    const pk = on.pk()
    expect(await lockrow(['lock', 'show', pk, 'a'])).toEqual({
      code: 1,
      out: '',
      err: `there is no lock at ${pk}/a#lock\n`,
    })
    const lock = await on.db().getLock(lockKey({ pk, sk: 'a' }))
    const human = await lockrow(['lock', 'show', pk, 'a'])
    expect(human.out).toContain(lock.version)
    expect(human.out).toMatch(/^expires +\S+ \(in (23 h 59 min|1 d)\)$/m)
    const written = expect.any(Number)
    for (const args of [['a'], ['a#lock', '--exact']])
      expect(records(await lockrow(['lock', 'show', pk, ...args, '--json']))).toEqual([
        { ...lock, writtenAt: written },
      ])
  })

  it('an item at its place is no lock', async () => {
    const pk = on.pk()
    await on.db().set({ pk, sk: 'a#lock', data: 1 })
    expect(await lockrow(['lock', 'show', pk, 'a', '--json'])).toMatchObject({ code: 1, out: 'null\n' })
  })
})

describe('mutex', () => {
  it('show tells who holds it, force-release frees it', async () => {
    const key = { pk: on.pk(), sk: 'nightly' }
    const args = [key.pk, key.sk]
    expect(await lockrow(['mutex', 'show', ...args])).toMatchObject({ code: 1, out: '' })
    const mutex = new Mutex(on.db(), key, { ttlMs: 60_000 })
    await mutex.acquire()
    const { owner } = await mutex.peek()
    const other = new Mutex(on.db(), key, { ttlMs: 60_000 })

    const human = await lockrow(['mutex', 'show', ...args])
    expect(human.out).toMatch(/^state +held$/m)
    expect(human.out).toMatch(/^lease +another (1 min|59 s|58 s)$/m)
    const [shown] = records(await lockrow(['mutex', 'show', ...args, '--json']))
    expect(shown).toMatchObject({ ...key, locked: true, owner, fencingToken: 1 })

    // Nobody to ask: refused, and still held.
    const refused = await lockrow(['mutex', 'force-release', ...args])
    expect(refused).toMatchObject({ code: 2, out: '' })
    expect(refused.err).toMatch(/^lockrow: force-release .* say --yes .*\n$/)
    const no = await lockrow(['mutex', 'force-release', ...args], { tty: true, input: 'n\n' })
    expect(no).toMatchObject({ code: 1, out: '' })
    expect(no.err).toContain(`is held by ${owner}`)
    expect(await mutex.isLocked()).toBe(true)

    const asked = await lockrow(['mutex', 'force-release', ...args], { tty: true, input: 'y\n' })
    expect(asked).toMatchObject({
      code: 0,
      out: `released ${key.pk}/nightly, which ${owner} held\n`,
    })
    expect(await mutex.isLocked()).toBe(false)
    await other.acquire()
    const next = (await other.peek()).owner

    const yes = await lockrow(['mutex', 'force-release', ...args, '--yes', '--json'])
    expect(records(yes)).toEqual([{ ...key, released: true, owner: next, fencingToken: 2 }])
    expect(await mutex.isLocked()).toBe(false)
    expect((await lockrow(['mutex', 'show', ...args])).out).toMatch(/^state +free$/m)
    expect(await lockrow(['mutex', 'force-release', ...args, '--yes'])).toMatchObject({ code: 1 })
  })

  it('that changed hands while the question stood is left alone', async () => {
    const key = { pk: on.pk(), sk: 'm' }
    const mutex = new Mutex(on.db(), key, { ttlMs: 60_000 })
    await mutex.acquire()
    const other = new Mutex(on.db(), key, { ttlMs: 60_000 })
    const answer = async function* () {
      await mutex.release()
      await other.acquire()
      yield 'y\n'
    }
    const ran = await lockrow(['mutex', 'force-release', key.pk, key.sk], { tty: true, input: answer })
    expect(ran.code).toBe(1)
    expect(ran.err).toContain('changed hands meanwhile')
    expect(await other.isLocked()).toBe(true)
  })
})
