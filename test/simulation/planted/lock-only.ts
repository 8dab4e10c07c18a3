import {
  type AtomicDbItem,
  type AtomicDbItemKey,
  type AtomicDbItemLock,
  type AtomicDbOperation,
  type Changes,
  lockKey,
  RaceCondition,
  type Transaction,
} from '../../../src/index.ts'
import { applyChanges } from '../../../src/model/apply.ts'
import type { RunTransaction } from '../workloads/mixed.ts'

interface Entry {
  key: AtomicDbItemKey
  item: AtomicDbItem | undefined
  lock?: AtomicDbItemLock
  written: boolean
}

const textOf = ({ pk, sk }: AtomicDbItemKey) => JSON.stringify([pk, sk])

/**
 * How transactions were validated once: by the locks of what was read, never by its values. Sound among users of locks;
 * a plain write between read and commit is lost, which the proof must find.
 */
export const lockOnlyTransaction: RunTransaction = async (db, fn, options = {}) => {
  for (let attempt = 1; ; attempt++) {
    const entries = new Map<string, Entry>()
    const messages: AtomicDbOperation[] = []
    const getMany = async (keys: readonly AtomicDbItemKey[]) => {
      const missing = keys.filter((key) => !entries.has(textOf(key)))
      const locked = missing.length > 0 ? await db.getLocked(missing) : []
      missing.forEach((key, i) => {
        entries.set(textOf(key), { key, ...locked[i]!, item: locked[i]!.item, written: false })
      })
      return keys.map((key) => structuredClone(entries.get(textOf(key))!.item))
    }
    const write = ({ pk, sk }: AtomicDbItemKey, item: AtomicDbItem | undefined) => {
      const before = entries.get(textOf({ pk, sk }))
      entries.set(textOf({ pk, sk }), { key: { pk, sk }, ...before, item, written: true })
    }
    const tx = {
      getMany,
      get: async (key: AtomicDbItemKey) => (await getMany([key]))[0],
      query: async (query: { pk: string }) =>
        (await getMany(await db.query(query))).filter((item) => item !== undefined),
      set: (item: AtomicDbItem) => write(item, item),
      delete: (key: AtomicDbItemKey) => write(key, undefined),
      update: async (key: AtomicDbItemKey, changes: Changes) => {
        const [item] = await getMany([key])
        write(key, applyChanges(key, item, changes))
      },
      queuePush: (item: { pk: string; data: unknown }) => messages.push({ type: 'queuePush', item }),
    }
    try {
      const result = await fn(tx as unknown as Transaction)
      const all = [...entries.values()]
      for (const entry of all) entry.lock ??= await db.getLock(lockKey(entry.key))
      const operations: AtomicDbOperation[] = [
        ...all.map(
          ({ lock, written }): AtomicDbOperation =>
            ({ type: written ? 'bump' : 'check', lock: lock! }) as AtomicDbOperation,
        ),
        ...all
          .filter(({ written }) => written)
          .map(
            ({ key, item }): AtomicDbOperation => (item ? { type: 'set', item } : { type: 'delete', key }),
          ),
        ...messages,
      ]
      if (operations.length > 0) await db.transact(operations)
      return result
    } catch (error) {
      if (!(error instanceof RaceCondition) || attempt >= (options.attempts ?? 10)) throw error
      await db.runtime.sleep(db.runtime.random() * Math.min(1000, 10 * 2 ** (attempt - 1)))
    }
  }
}
