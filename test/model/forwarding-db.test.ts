import { type AtomicDbInterface, AtomicLRUCache, AtomicMemoryDb } from 'lockrow'
import { AtomicEngine, ForwardingDb } from 'lockrow/backend'
import { withTracing } from 'lockrow/otel'
import { AtomicChaosDb, chaosFaults } from 'lockrow/testing'
import { describe, expect, it } from 'vitest'
import { type ContractMethod, contractMethods, effectOf } from '../../src/model/effects.ts'

const key = { pk: 'p', sk: 'a' }
const item = { ...key, data: 1 }
const lock = { pk: 'p', sk: 'a#lock', version: 'v', ttl: 1 }
const message = { ...item, receipt: 'r', isProcessing: true, receiveCount: 1, enqueuedAt: 0 }
const options = { signal: new AbortController().signal, somethingNew: 1 }

/** A call of every method with every argument it takes, and what its database answers. */
const calls: { [M in ContractMethod]: { args: unknown[]; answer: unknown } } = {
  get: { args: [key, options], answer: item },
  getMany: { args: [[key], options], answer: [item] },
  getTogether: { args: [[key], options], answer: [item] },
  getLock: { args: [lock, options], answer: lock },
  getLocked: { args: [[key], options], answer: [{ item, lock }] },
  set: { args: [[item], options], answer: undefined },
  setAtomic: { args: [[item], [lock], options], answer: [lock] },
  delete: { args: [[key], options], answer: undefined },
  query: { args: [{ pk: 'p', ...options }], answer: [item] },
  stream: { args: [{ pk: 'p', ...options }], answer: 'a stream' },
  page: { args: [{ pk: 'p', ...options }], answer: { items: [item] } },
  count: { args: [{ pk: 'p', ...options }], answer: 3 },
  deleteRange: { args: [{ pk: 'p' }, options], answer: { deleted: 3, done: true } },
  queuePush: { args: [[item], options], answer: [message] },
  queuePull: { args: [{ pk: 'p', ...options }], answer: { item: message } },
  queuePullMany: { args: [{ pk: 'p', limit: 3, ...options }], answer: { items: [message] } },
  queueAcknowledge: { args: [message, options], answer: undefined },
  queueRelease: { args: [message, options], answer: undefined },
  queueExtend: { args: [message, options], answer: message },
  queueCancel: { args: [key, options], answer: true },
  queueStats: { args: ['p', options], answer: { ready: 1 } },
  queuePeek: { args: [{ pk: 'p', ...options }], answer: [message] },
  queuePurge: { args: ['p', options], answer: 3 },
  queueRedrive: { args: [{ from: 'p', to: 'q', ...options }], answer: 3 },
  queuePause: { args: ['p', options], answer: undefined },
  queueResume: { args: ['p', options], answer: undefined },
  update: { args: [key, { set: { n: 1 } }, options], answer: { applied: true, item } },
  transact: { args: [[{ type: 'set', item }], options], answer: { locks: [], pushed: [] } },
}

/** A database that notes what reaches it, and fails when told to. */
function recorder(fail: boolean) {
  const seen: { method: string; args: unknown[]; self: unknown }[] = []
  const db: Record<string, unknown> = { runtime: new AtomicMemoryDb().runtime }
  for (const [method, { answer }] of Object.entries(calls)) {
    db[method] = function (this: unknown, ...args: unknown[]) {
      seen.push({ method, args, self: this })
      if (method === 'stream') return answer
      return fail ? Promise.reject(new Error('down')) : Promise.resolve(answer)
    }
  }
  return { seen, db: db as unknown as AtomicDbInterface }
}

class Plain extends ForwardingDb {}

const none = Object.fromEntries(chaosFaults.map((fault) => [fault, 0]))
const wrappers: Record<string, (db: AtomicDbInterface) => AtomicDbInterface> = {
  ForwardingDb: (db) => new Plain(db),
  AtomicLRUCache: (db) => new AtomicLRUCache(db, 10),
  'AtomicChaosDb without faults': (db) => new AtomicChaosDb(db, { seed: 1, rates: none, log: () => {} }),
  withTracing: (db) => withTracing(db),
}
describe('the table of what methods change', () => {
  it('has every method of the contract and nothing else', () => {
    const built = [AtomicEngine.prototype, Object.getPrototypeOf(AtomicEngine.prototype)]
      .flatMap(Object.getOwnPropertyNames)
      .filter((name) => name !== 'constructor')
    expect(contractMethods.toSorted()).toEqual([...new Set(built)].toSorted())
  })

  it('never throws, whatever the arguments are', () => {
    for (const method of contractMethods)
      for (const given of [[], [undefined], [null], [7], ['text'], [{}], [[null, 7, {}]], [[[]], null]])
        expect(() => effectOf(method, given as never)).not.toThrow()
  })

  it('names the rows and partitions that change', () => {
    expect(effectOf('set', [[item, { ...item, sk: 'b' }]])).toEqual({ keys: [key, { pk: 'p', sk: 'b' }] })
    expect(effectOf('queuePush', [{ pk: 'q', sk: 'm' }])).toEqual({ keys: [{ pk: 'q', sk: 'm' }] })
    expect(effectOf('queuePush', [{ pk: 'q', sk: 'm' }, { shards: 2 }])).toEqual({
      keys: [],
      partitions: ['q'],
    })
    expect(effectOf('queuePush', [{ pk: 'q' }])).toEqual({ keys: [] })
    expect(effectOf('queuePull', [{ pk: 'q' }])).toEqual({
      keys: [],
      partitions: ['q', 'q#dead'],
      lingers: true,
    })
    expect(effectOf('queuePullMany', [{ pk: 'q', limit: 1, deadLetter: 'd' }])?.partitions).toEqual([
      'q',
      'd',
    ])
    expect(effectOf('queuePurge', ['q'])).toEqual({ keys: [], partitions: ['q'] })
    expect(effectOf('queueRedrive', [{ from: 'd', to: 'q' }])?.partitions).toEqual(['d', 'q'])
    expect(effectOf('queueRedrive', [{ from: 'd' }])?.everything).toBe(true)
    expect(effectOf('setAtomic', [item, lock])?.keys).toEqual([key, { pk: 'p', sk: 'a#lock' }])
    expect(effectOf('get', [key])).toBeUndefined()
  })

  it('takes an operation that it does not know as one that may change any row', () => {
    expect(effectOf('transact', [[{ type: 'check', lock }]])).toEqual({ keys: [] })
    expect(effectOf('transact', [[{ type: 'bump', lock }]])?.keys).toHaveLength(1)
    expect(effectOf('transact', [[{ type: 'copy' } as never]])?.everything).toBe(true)
  })
})

describe.each(Object.entries(wrappers))('%s', (_, wrap) => {
  it('passes on every method with all its arguments, and its answer', async () => {
    for (const method of contractMethods) {
      const { args, answer } = calls[method]
      const { db, seen } = recorder(false)
      const wrapper = wrap(db)
      const result = (wrapper[method] as (...given: unknown[]) => unknown)(...args)
      if (method !== 'stream') expect(result, method).toBeInstanceOf(Promise)
      expect(await result, method).toEqual(answer)
      expect(seen.length, method).toBe(1)
      expect([seen[0]!.method, seen[0]!.args], method).toEqual([method, args])
      expect(seen[0]!.self, method).toBe(db)
    }
  })

  it('passes on errors as they are, as rejections', async () => {
    for (const method of contractMethods.filter((method) => method !== 'stream')) {
      const { db } = recorder(true)
      const wrapper = wrap(db)
      await expect(
        (wrapper[method] as (...given: unknown[]) => Promise<unknown>)(...calls[method].args),
        method,
      ).rejects.toEqual(new Error('down'))
    }
  })

  it('has the runtime of its database', () => {
    const { db } = recorder(false)
    expect(wrap(db).runtime).toBe(db.runtime)
  })
})
