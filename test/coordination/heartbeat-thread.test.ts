import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { AtomicMemoryDb, Liveness, Mutex } from 'lockrow'
import { AtomicDynamoDB } from 'lockrow/dynamo'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { dropTable, freshTable, localClient } from '../setup/local.ts'

const root = join(import.meta.dirname, '../..')

// Both at once: most of it is waiting.
describe.concurrent('the event loop of a holder is blocked for longer than it takes to count as dead', () => {
  let client: DynamoDBClient
  let table: string
  const children: ChildProcess[] = []

  beforeAll(async () => {
    client = localClient(inject('dynamoEndpoint'))
    table = await freshTable(client)
  })
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL')
    await dropTable(client, table)
    client.destroy()
  })

  const start = (how: string, blockMs: number) => {
    const holder = join(import.meta.dirname, 'liveness/holder.ts')
    const child = spawn(process.execPath, ['--import', 'tsx', holder, how, String(blockMs)], {
      cwd: root,
      env: { ...process.env, ENDPOINT: inject('dynamoEndpoint'), TABLE: table },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
    return { exit: once(child, 'exit'), line: async () => (await lines.next()).value as string | undefined }
  }
  /** Another process, on the mutex of the holder of this name. */
  const contender = (how: string) =>
    new Mutex(new AtomicDynamoDB(client, table), { pk: 'l', sk: how }, { ttlMs: 5000, clockToleranceMs: 100 })

  it('with a thread it is alive to others, and keeps what it holds', async ({ expect }) => {
    const holder = start('thread', 9000)
    expect(await holder.line()).toBe('held')
    const until = Date.now() + 8000
    let looks = 0
    while (Date.now() < until) {
      expect(await contender('thread').ownerStatus()).toBe('running')
      expect(await contender('thread').tryAcquire()).toBeUndefined()
      looks++
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect(looks).toBeGreaterThan(5)
    expect(await holder.line()).toBe('still held')
    expect(await holder.line()).toBe('stopped')
    // The thread has ended, and with it the process.
    expect(await holder.exit).toEqual([0, null])
    expect((await contender('thread').acquire({ timeoutMs: 5000 })).isHeld).toBe(true)
    await contender('thread').forceRelease()
  }, 60_000)

  it('without one it is dead to others, and knows when it comes back', async ({ expect }) => {
    const holder = start('loop', 9000)
    expect(await holder.line()).toBe('held')
    expect((await contender('loop').acquire({ timeoutMs: 8500 })).isHeld).toBe(true)
    expect(await holder.line()).toBe('lost')
  }, 60_000)
})

describe('the thread of liveness', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lockrow-thread-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  let count = 0
  const memory = pathToFileURL(join(root, 'src/memory/index.ts')).href
  const livenessWith = (code: string, db = new AtomicMemoryDb()) => {
    const file = join(folder, `${count++}.mts`)
    writeFileSync(file, `import { AtomicMemoryDb } from '${memory}'\n${code}`)
    return new Liveness(db, {
      heartbeatMs: 100,
      deadAfterMs: 5000,
      thread: {
        module: pathToFileURL(file),
        execArgv: ['--import', pathToFileURL(join(import.meta.dirname, 'liveness/typescript.mjs')).href],
      },
    })
  }
  const fine = 'export default async () => new AtomicMemoryDb()'

  it('beats until stop, and says that the process drains', async () => {
    const liveness = await livenessWith(fine).start()
    expect(liveness.isAlive).toBe(true)
    const before = liveness.leftMs
    await new Promise((resolve) => setTimeout(resolve, 1000))
    expect(liveness.leftMs).toBeGreaterThan(before - 900)
    await liveness.setDraining()
    expect(liveness.draining.aborted).toBe(true)
    await liveness.stop()
    expect([liveness.isAlive, liveness.leftMs]).toEqual([false, 0])
    expect(liveness.signal.reason).toMatchObject({ code: 'LeaseLost' })
    await expect(liveness.setDraining()).rejects.toMatchObject({ code: 'LeaseLost' })
  })

  it.each([
    ['an exception', 'throw new Error("boom")', /boom/],
    ['an end', 'process.exit(3)', /code 3/],
  ])('its crash is the reason of the lost signal: %s', async (_, crash, message) => {
    const liveness = await livenessWith(
      `export default () => {
        setTimeout(() => { ${crash} }, 300)
        return new AtomicMemoryDb()
      }`,
    ).start()
    const mutex = new Mutex(new AtomicMemoryDb(), { pk: 'l', sk: 'm' }, { ttlMs: null, liveness })
    const running = mutex.run(
      ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve('ended'))),
    )
    const cause = { code: 'LeaseLost', message: expect.stringMatching(message) }
    await expect(running).rejects.toMatchObject({ code: 'LeaseLost', cause })
    expect(liveness.signal.reason).toMatchObject({ ...cause, cause: expect.any(Error) })
    expect(liveness.isAlive).toBe(false)
    await liveness.stop()
  })

  it('ends when it is lost: nothing of it stays', async () => {
    const ticks = new BroadcastChannel('ticks of liveness')
    const told = new EventEmitter()
    ticks.onmessage = () => told.emit('tick')
    try {
      const liveness = await livenessWith(
        `export default () => {
          const ticks = new BroadcastChannel('ticks of liveness')
          setInterval(() => ticks.postMessage('tick'), 20)
          const db = new AtomicMemoryDb()
          const update = db.update.bind(db)
          let count = 0
          db.update = (...args) => (count++ === 0 ? update(...args) : Promise.resolve({ applied: false }))
          return db
        }`,
      ).start()
      await once(told, 'tick')
      if (!liveness.signal.aborted) await once(liveness.signal, 'abort')
      expect(liveness.signal.reason).toMatchObject({ code: 'LeaseLost' })
      // Its end is no message: it is seen by the silence.
      const quietFor = (ms: number) => once(told, 'tick', { signal: AbortSignal.timeout(ms) })
      for (let looks = 0; looks < 20; looks++)
        if ((await quietFor(200).catch(() => 'quiet')) === 'quiet') return
      expect.fail('the thread goes on')
    } finally {
      ticks.close()
    }
  })

  it.each([
    ['throws', 'throw new Error("no table")'],
    ['has no default export', 'export const db = new AtomicMemoryDb()'],
    ['returns no database', 'export default () => ({})'],
  ])('refuses a module that %s', async (_, code) => {
    await expect(livenessWith(code).start()).rejects.toMatchObject({
      code: 'InvalidInput',
      field: 'thread.module',
    })
  })

  it('refuses wrong options', () => {
    const db = new AtomicMemoryDb()
    for (const [thread, field] of [
      [{ module: './make-db.ts' }, 'thread.module'],
      [{}, 'thread.module'],
      [{ modul: new URL('file:///x') }, 'thread.modul'],
      ['file:///x', 'thread'],
    ] as const)
      expect(() => new Liveness(db, { thread: thread as never }), field).toThrow(
        expect.objectContaining({ code: 'InvalidInput', field }),
      )
  })
})
