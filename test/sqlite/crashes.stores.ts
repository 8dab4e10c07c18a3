import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AtomicDbInterface } from 'lockrow'
import { AtomicSqliteDb, type SqliteDriver } from 'lockrow/sqlite'
import { afterAll, expect, it } from 'vitest'
import { Random } from '../../src/testing/random.ts'
import { onEachSqlite } from '../stores/drivers.ts'

const kills = Number(process.env.CRASHES ?? 12)
const processes = 3
const messages = 4000
const folder = mkdtempSync(join(tmpdir(), 'lockrow-crashes-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function start(
  path: string,
  name: string,
  driver: string,
): Promise<{ child: ChildProcess; log: string }> {
  const log = join(folder, `${name}.log`)
  const client = join(import.meta.dirname, 'crash-client.ts')
  const child = spawn(process.execPath, ['--import', 'tsx', client, path, log, name, driver], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise((resolve, reject) => {
    child.stdout!.once('data', resolve)
    child.once('exit', (code) => reject(new Error(`a client ended with ${code}`)))
  })
  return { child, log }
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}

/** Complete lines: the last one may be torn, and was then not confirmed. */
const confirmedBy = (log: string): string[] =>
  existsSync(log) ? readFileSync(log, 'utf8').split('\n').slice(0, -1) : []

async function allOf(db: AtomicDbInterface, pk: string): Promise<Map<string, unknown>> {
  const found = new Map<string, unknown>()
  for await (const { sk, data } of db.stream({ pk })) found.set(sk, data)
  return found
}

/** What is wrong with the file, given all that was confirmed; and how much of it there is. */
async function audit(db: AtomicDbInterface, names: string[], confirmed: string[]) {
  const wrong: string[] = []
  const rows = new Map<string, Map<string, unknown>>()
  let committed = 0
  for (const name of names)
    for (const pk of [`done-${name}`, `row-${name}`]) rows.set(pk, await allOf(db, pk))
  for (const line of confirmed) {
    const [pk, sk] = line.split(' ') as [string, string]
    if (pk !== 'moved' && !rows.get(pk)?.has(sk)) wrong.push(`lost: ${line}`)
  }
  for (const name of names) committed += rows.get(`done-${name}`)!.size
  const [plus, minus] = await db.getMany<{ n: number }>([
    { pk: 'sum', sk: 'plus' },
    { pk: 'sum', sk: 'minus' },
  ])
  if (plus?.data.n !== committed || minus?.data.n !== -committed)
    wrong.push(`sums: ${plus?.data.n}, ${minus?.data.n} after ${committed} transactions`)
  const left = await db.queuePeek<number>({ pk: 'from', limit: messages })
  const moved = await db.queuePeek<number>({ pk: 'to', limit: messages })
  const all = [...left, ...moved].map(({ data }) => data).sort((a, b) => a - b)
  if (all.length !== messages || all.some((n, i) => n !== i))
    wrong.push(`messages: ${all.length} of ${messages}`)
  const there = new Set(moved.map(({ data }) => data))
  for (const line of confirmed)
    if (line.startsWith('moved ') && !there.has(Number(line.slice(6)))) wrong.push(`lost: ${line}`)
  return { wrong, committed, moved: moved.length }
}

onEachSqlite((name, driver: SqliteDriver) => {
  it(`loses nothing confirmed and tears nothing in ${kills} kills of processes on one file`, async () => {
    const path = join(folder, `${name.replace(':', '-')}.db`)
    const driverPath =
      name === 'node:sqlite'
        ? name
        : createRequire(join(import.meta.dirname, '../stores/drivers.ts')).resolve(name)
    const db = new AtomicSqliteDb(path, { driver, synchronous: 'normal' })
    await db.queuePush(Array.from({ length: messages }, (_, i) => ({ pk: 'from', data: i })))
    const random = new Random(name)
    const names: string[] = []
    const confirmed: string[] = []
    const begin = () => {
      names.push(`${name.replace(':', '-')}-${names.length}`)
      return start(path, names.at(-1)!, driverPath)
    }
    const clients = await Promise.all(Array.from({ length: processes }, begin))
    for (let i = 0; i < kills; i++) {
      await sleep(random.between(20, 220))
      const at = i % processes
      const { child, log } = clients[at]!
      await kill(child)
      confirmed.push(...confirmedBy(log))
      if (i < kills - processes) clients[at] = await begin()
    }
    const { wrong, committed, moved } = await audit(db, names, confirmed)
    expect(wrong).toEqual([])
    // A test in which nothing happened would pass as well.
    expect(confirmed.length).toBeGreaterThan(100)
    expect(committed).toBeGreaterThan(20)
    expect(moved).toBeGreaterThan(10)
    expect(await db.get({ pk: 'no', sk: 'row' })).toBeUndefined()
    await db.close()
    const file = new driver(path)
    expect(Object.values(file.prepare('PRAGMA integrity_check').get() as object)).toEqual(['ok'])
    file.close()
  }, 300_000)
})
