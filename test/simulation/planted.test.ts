/** A checker that finds nothing is a bug: defects between engine and storage, each of which must be found. */
import { expect, test } from 'vitest'
import type { Row, Storage } from '../../src/storage.ts'
import { bound, unguarded, without } from './defects.ts'
import { lockOnlyTransaction } from './planted/lock-only.ts'
import { simulateSeed } from './run.ts'
import { allWorkloads } from './workloads/index.ts'

let tokens = 0
const defects: Record<string, { spoil: (storage: Storage) => Storage; found: RegExp }> = {
  'locks are not checked': {
    spoil: (storage) => without(storage, unguarded('version')),
    found: /lists: /,
  },
  'a lock is bumped, but only checked ones are compared': {
    spoil: (storage) =>
      without(storage, (operation) =>
        operation.op === 'update' ? unguarded('version')(operation) : operation,
      ),
    found: /counters: not-linearizable|bank: total/,
  },
  'a check passes always: write skew': {
    spoil: (storage) =>
      without(storage, (operation) =>
        operation.op === 'check' ? unguarded('version')(operation) : operation,
      ),
    found: /write skew|lists: G2/,
  },
  'strong reads are eventual': {
    spoil: (storage) => ({
      ...bound(storage),
      read: (keys, options) => storage.read(keys, { ...options, consistent: false }),
    }),
    found: /not-linearizable/,
  },
  'rows read together are read one by one': {
    spoil: (storage) => ({
      ...bound(storage),
      readTogether: async (keys, options) => {
        const rows = []
        for (const key of keys) rows.push(...(await storage.read([key], { consistent: true, ...options })))
        return rows as (Row | undefined)[]
      },
    }),
    found: /bank: total/,
  },
  'values are not compared: a plain write in between is lost': {
    spoil: (storage) => without(storage, unguarded('data')),
    found: /purse: total|items: not-linearizable|lists: /,
  },
  'an item that is not there is not compared': {
    spoil: (storage) =>
      without(storage, (operation) =>
        operation.op === 'check' || operation.op === 'update' ? unguarded('pk')(operation) : operation,
      ),
    found: /seat: taken twice|items: not-linearizable|lists: |purse: total|doctors/,
  },
  'a transaction leaves the locks of what it writes as they are': {
    spoil: (storage) => ({
      ...bound(storage),
      transact: (operations, token, options) =>
        storage.transact(
          operations.filter((one) => one.op !== 'put' || !one.row.sk.endsWith('#lock')),
          token,
          options,
        ),
    }),
    found: /bank: total|lists: /,
  },
  'a token is forgotten': {
    spoil: (storage) => ({
      ...bound(storage),
      transact: (operations, token, options) => storage.transact(operations, `${token}${tokens++}`, options),
    }),
    found: /not-linearizable|finished|idempotency|atomicity|bank/,
  },
  'a claim does not look at the deadline': {
    spoil: (storage) => without(storage, unguarded('due')),
    found: /queue: /,
  },
  'a receipt is not compared': {
    spoil: (storage) => without(storage, unguarded('r')),
    found: /queue: /,
  },
  'a transaction is not atomic': {
    spoil: (storage) => ({
      ...bound(storage),
      transact: async (operations, token, options) => {
        const half = Math.ceil(operations.length / 2)
        const failed = await storage.transact(operations.slice(0, half), token, options)
        if (failed.length > 0 || half === operations.length) return failed
        return storage.transact(operations.slice(half), `${token}/2`, options)
      },
    }),
    found: /bank: total|atomicity|not-linearizable/,
  },
}

test('a transaction that validates by locks alone is found within 30 seeds', async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const run = await simulateSeed({ seed, steps: 1000, workloads: () => allWorkloads(lockOnlyTransaction) })
    if (
      run.findings.some(({ kind }) =>
        /purse: total|items: not-linearizable|rows: not-linearizable|lists: /.test(kind),
      )
    )
      return
  }
  expect.fail('not found in 30 seeds')
})

test.each(Object.keys(defects))('%s', async (name) => {
  const { spoil, found } = defects[name]!
  const kinds = new Set<string>()
  for (let seed = 1; seed <= 100; seed++) {
    const run = await simulateSeed({ seed, steps: 1000, spoil })
    for (const { kind } of run.findings) kinds.add(kind)
    if ([...kinds].some((kind) => found.test(kind))) return
  }
  expect.fail(`not found in 100 seeds; found: ${[...kinds].join(', ') || 'nothing'}`)
})
