import { AtomicMemoryDb } from 'lockrow'
import { collection, typed } from 'lockrow/collections'
import { TestRuntime } from 'lockrow/testing'
import type { AtomicDbInterface } from '../../../src/interface.ts'

export interface First {
  id: string
  email: string
  team?: string
}
export interface Second {
  id: string
  email: string
  team?: string
  domain: string
}

export const minute = 60_000
export const hour = 60 * minute
/** Longer than anybody's registration. */
export const ended = hour

export const upgrade = (item: First): Second => ({ ...item, domain: item.email.split('@')[1] ?? '' })

export const first = (db: AtomicDbInterface) =>
  collection(db, 'users', {
    schema: typed<First>(),
    key: 'id',
    indexes: { team: { key: 'team', count: true } },
  })

/** With an index and a unique field that are new, without the index of before. */
export const second = (db: AtomicDbInterface) =>
  collection(db, 'users', {
    schema: typed<Second>(),
    key: 'id',
    version: 2,
    upgrades: { 2: upgrade },
    indexes: {
      team: { key: 'team', count: true, retired: true },
      domain: { key: 'domain', sort: 'email', count: true, since: 2 },
    },
    unique: { email: { key: 'email', since: 2 } },
  })

export function twin() {
  const runtime = new TestRuntime()
  const db = new AtomicMemoryDb({ runtime })
  return { db, runtime, pass: (ms: number) => runtime.advance(ms) }
}

export const users = (count: number): First[] =>
  Array.from({ length: count }, (_, i) => ({ id: `u${i}`, email: `${i}@d${i % 3}`, team: `t${i % 4}` }))

export const rate = { wruPerSecond: Number.POSITIVE_INFINITY }

export async function filled(count = 50) {
  const world = twin()
  const [old, young] = [first(world.db), second(world.db)]
  for (const user of users(count)) await old.insert(user)
  return { ...world, old, young }
}
