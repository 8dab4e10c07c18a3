import { AtomicMemoryDb } from '../src/memory/index.ts'
import { NaiveMemory } from './lib/naive.ts'
import { peer, required } from './lib/peers.ts'
import { makeUser, sortKey } from './lib/user.ts'

type Work = () => unknown
export interface Store {
  name: string
  get: Work
  set: Work
  query?: Work
  setAtomic?: Work
  close?: () => unknown
}

interface StoreMaker {
  name: string
  maxItems: number
  /** It copies, keeps order and expires, as the twin does. */
  comparable: boolean
  make(size: number): Promise<Omit<Store, 'name'>>
}

const group = 1000
/** Items lie in one partition, and `user#0001` is the prefix of a hundred or more. */
const prefixOf = (i: number) => sortKey(i).slice(0, -2)

/** Walks over the items in an order that no cache likes, the same for all. */
function walker(size: number): () => number {
  let at = 0
  // A step that has no common factor with the sizes.
  return () => {
    at = (at + 7919) % size
    return at
  }
}

async function fill(size: number, put: (from: number, to: number) => unknown): Promise<void> {
  for (let from = 0; from < size; from += group) {
    await put(from, Math.min(size, from + group))
    // Lets a signal in.
    await new Promise(setImmediate)
  }
}
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)
const user = makeUser(1)

const twin: StoreMaker = {
  name: 'lockrow twin',
  maxItems: Number.POSITIVE_INFINITY,
  comparable: true,
  async make(size) {
    const db = new AtomicMemoryDb()
    const pk = 'p'
    await fill(size, (from, to) =>
      db.set(range(from, to).map((i) => ({ pk, sk: sortKey(i), data: makeUser(i) }))),
    )
    const [a, b, c] = [walker(size), walker(size), walker(size)]
    let lock = await db.getLock({ pk: 'locks', sk: 'one#lock' })
    return {
      get: () => db.get({ pk, sk: sortKey(a()) }),
      set: () => db.set({ pk, sk: sortKey(b()), data: user }),
      query: () => db.query({ pk, sk: prefixOf(c()) }),
      setAtomic: async () => {
        ;[lock] = (await db.setAtomic({ pk, sk: sortKey(b()), data: user }, lock)) as [typeof lock]
      },
    }
  },
}

const naive: StoreMaker = {
  name: 'the seed taken at its word',
  maxItems: Number.POSITIVE_INFINITY,
  comparable: true,
  async make(size) {
    const db = new NaiveMemory()
    const pk = 'p'
    await fill(size, (from, to) =>
      db.set(range(from, to).map((i) => ({ pk, sk: sortKey(i), data: makeUser(i) }))),
    )
    const [a, b, c] = [walker(size), walker(size), walker(size)]
    let lock = await db.getLock({ pk: 'locks', sk: 'one#lock' })
    return {
      get: () => db.get({ pk, sk: sortKey(a()) }),
      set: () => db.set([{ pk, sk: sortKey(b()), data: user }]),
      query: () => db.query(pk, prefixOf(c())),
      setAtomic: async () => {
        ;[lock] = (await db.setAtomic([{ pk, sk: sortKey(b()), data: user }], [lock])) as [typeof lock]
      },
    }
  },
}

interface DenoKv {
  get(key: string[]): Promise<unknown>
  set(key: string[], value: unknown): Promise<unknown>
  list(selector: object, options: object): AsyncIterable<unknown>
  atomic(): DenoAtomic
  close(): void
}
interface DenoAtomic {
  set(key: string[], value: unknown): DenoAtomic
  check(entry: { key: string[]; versionstamp: string | null }): DenoAtomic
  commit(): Promise<{ ok: boolean; versionstamp: string }>
}

const deno: StoreMaker = {
  name: '@deno/kv, in memory',
  maxItems: 100_000,
  comparable: true,
  async make(size) {
    const { openKv } = required<{ openKv(path: string): Promise<DenoKv> }>('@deno/kv')
    const kv = await openKv(':memory:')
    // A prefix is a whole part of a key in Deno KV.
    const key = (i: number) => ['p', prefixOf(i), sortKey(i)]
    await fill(size, async (from, to) => {
      for (let at = from; at < to; at += 100) {
        const batch = kv.atomic()
        for (const i of range(at, Math.min(to, at + 100))) batch.set(key(i), makeUser(i))
        await batch.commit()
      }
    })
    const [a, b, c] = [walker(size), walker(size), walker(size)]
    let versionstamp: string | null = null
    return {
      get: () => kv.get(key(a())),
      set: () => kv.set(key(b()), user),
      query: async () => {
        const items: unknown[] = []
        for await (const entry of kv.list({ prefix: key(c()).slice(0, 2) }, { batchSize: 100 }))
          items.push(entry)
        return items
      },
      setAtomic: async () => {
        const lock = ['locks', 'one']
        const done = await kv
          .atomic()
          .check({ key: lock, versionstamp })
          .set(key(b()), user)
          .set(lock, 1)
          .commit()
        if (!done.ok) throw new Error('not committed')
        versionstamp = done.versionstamp
      },
      close: () => kv.close(),
    }
  },
}

const keyv: StoreMaker = {
  name: 'keyv, a Map',
  maxItems: Number.POSITIVE_INFINITY,
  comparable: false,
  async make(size) {
    const { default: Keyv } = await peer<{
      default: new (options: object) => { get(k: string): unknown; set(k: string, v: unknown): unknown }
    }>('keyv')
    const map = new Map()
    const store = new Keyv({ store: map, useKeyPrefix: false, serialize: undefined, deserialize: undefined })
    await fill(size, async (from, to) => {
      for (const i of range(from, to)) await store.set(`p:${sortKey(i)}`, makeUser(i))
    })
    const [a, b] = [walker(size), walker(size)]
    return { get: () => store.get(`p:${sortKey(a())}`), set: () => store.set(`p:${sortKey(b())}`, user) }
  },
}

interface Unstorage {
  getItem(key: string): Promise<unknown>
  setItem(key: string, value: unknown): Promise<unknown>
  getKeys(base: string): Promise<string[]>
}

const unstorage: StoreMaker = {
  name: 'unstorage, memory driver',
  maxItems: Number.POSITIVE_INFINITY,
  comparable: false,
  async make(size) {
    const { createStorage } = await peer<{ createStorage(): Unstorage }>('unstorage')
    const store = createStorage()
    const key = (i: number) => `p:${prefixOf(i)}:${sortKey(i)}`.replaceAll('#', '-')
    await fill(size, async (from, to) => {
      for (const i of range(from, to)) await store.setItem(key(i), makeUser(i))
    })
    const [a, b, c] = [walker(size), walker(size), walker(size)]
    return {
      get: () => store.getItem(key(a())),
      set: () => store.setItem(key(b()), user),
      query: async () => {
        const keys = await store.getKeys(`p:${prefixOf(c()).replaceAll('#', '-')}`)
        return Promise.all(keys.map((one) => store.getItem(one)))
      },
    }
  },
}

interface Sqlite {
  exec(sql: string): void
  prepare(sql: string): {
    run(...v: unknown[]): { changes: number }
    get(...v: unknown[]): unknown
    all(...v: unknown[]): unknown[]
  }
  transaction(work: (...given: never[]) => unknown): (...given: unknown[]) => unknown
  close(): void
}

const sqlite: StoreMaker = {
  name: 'better-sqlite3, in memory',
  maxItems: Number.POSITIVE_INFINITY,
  comparable: true,
  async make(size) {
    const Database = required<new (path: string) => Sqlite>('better-sqlite3')
    const db = new Database(':memory:')
    db.exec(
      'CREATE TABLE items (pk TEXT, sk TEXT, data TEXT, ttl INTEGER, version TEXT, PRIMARY KEY (pk, sk)) WITHOUT ROWID',
    )
    const put = db.prepare('INSERT OR REPLACE INTO items (pk, sk, data) VALUES (?, ?, ?)')
    const get = db.prepare(
      'SELECT data FROM items WHERE pk = ? AND sk = ? AND (ttl IS NULL OR ttl > unixepoch())',
    )
    const list = db.prepare(
      'SELECT sk, data FROM items WHERE pk = ? AND sk >= ? AND sk < ? AND (ttl IS NULL OR ttl > unixepoch())',
    )
    const bump = db.prepare('UPDATE items SET version = ? WHERE pk = ? AND sk = ? AND version = ?')
    const pk = 'p'
    const many = db.transaction((from: number, to: number) => {
      for (const i of range(from, to)) put.run(pk, sortKey(i), JSON.stringify(makeUser(i)))
    })
    await fill(size, many)
    db.exec("INSERT INTO items (pk, sk, version) VALUES ('locks', 'one', 'v0')")
    const [a, b, c] = [walker(size), walker(size), walker(size)]
    const parse = (row: unknown) => JSON.parse((row as { data: string }).data) as unknown
    let count = 0
    const atomic = db.transaction((i: number) => {
      if (bump.run(`v${count + 1}`, 'locks', 'one', `v${count}`).changes !== 1) throw new Error('race')
      count++
      put.run(pk, sortKey(i), JSON.stringify(user))
    })
    // Behind a promise, as any interface to a database is.
    return {
      get: async () => parse(get.get(pk, sortKey(a()))),
      set: async () => put.run(pk, sortKey(b()), JSON.stringify(user)),
      query: async () => {
        const prefix = prefixOf(c())
        return list.all(pk, prefix, `${prefix}\uffff`).map(parse)
      },
      setAtomic: async () => atomic(b()),
      close: () => db.close(),
    }
  },
}

export const stores: readonly StoreMaker[] = [twin, naive, deno, keyv, unstorage, sqlite]
