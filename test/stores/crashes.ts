import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AtomicDbInterface } from 'lockrow'
import { expect } from 'vitest'
import { Random } from '../../src/testing/random.ts'

/** How many clients are killed in a test. */
export const kills = Number(process.env.CRASHES ?? 12)
const processes = 3
const messages = 4000

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** A program that calls `writeUntilKilled`, and what it is given after the log and its name. */
export interface CrashClient {
  file: string
  args: readonly string[]
}

async function start({ file, args }: CrashClient, log: string, name: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--import', 'tsx', file, log, name, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise((resolve, reject) => {
    child.stdout!.once('data', resolve)
    child.once('exit', (code) => reject(new Error(`a client ended with ${code}`)))
  })
  return child
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

/** What is wrong with the database, given all that was confirmed; and how much of it there is. */
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

/** Kills clients in the middle of commits and begins others; then nothing confirmed is lost, and nothing torn. */
export async function killClients(db: AtomicDbInterface, client: CrashClient, seed: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'lockrow-crashes-'))
  try {
    await db.queuePush(Array.from({ length: messages }, (_, i) => ({ pk: 'from', data: i })))
    const random = new Random(seed)
    const names: string[] = []
    const confirmed: string[] = []
    const begin = async () => {
      const name = `client-${names.length}`
      names.push(name)
      const log = join(folder, `${name}.log`)
      return { log, child: await start(client, log, name) }
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
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
