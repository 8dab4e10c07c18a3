import { createHash } from 'node:crypto'
import { conditionKind } from '../conditions.ts'
import { IdempotencyMismatch, InvalidInput } from '../errors.ts'
import type { AtomicDbOperation, AtomicDbQueueItemInput, TransactResult } from '../interface.ts'
import type { Row } from '../storage.ts'
import { free } from './conditions.ts'
import { type Context, nowSeconds } from './context.ts'
import type { Part } from './parts.ts'

const lifeSeconds = 10 * 60

/** What a marker remembers of the first run: enough to answer again. */
interface Outcome {
  locks: { version: string; ttl: number }[]
  pushed: { sk: string; enqueuedAt: number }[]
}

/**
 * The row that makes a transaction happen once. It lies in a partition of its own that begins with the caller's key
 * (so that grants narrowed to a prefix cover it), and has a `version` so that no query shows it.
 */
export function once(
  context: Context,
  idempotencyKey: string,
  operations: readonly AtomicDbOperation[],
  result: TransactResult,
  index: number,
): { part: Part; replay(row: Row | undefined): TransactResult } {
  if (
    typeof idempotencyKey !== 'string' ||
    idempotencyKey === '' ||
    !idempotencyKey.isWellFormed() ||
    Buffer.byteLength(idempotencyKey) > 1000
  ) {
    throw new InvalidInput('idempotencyKey', 'must be a text of 1 to 1000 bytes', { limit: 1000 })
  }
  const key = { pk: `${idempotencyKey}#idempotency`, sk: '#' }
  const version = createHash('sha256')
    .update(fingerprint(operations.map(essence)))
    .digest('base64url')
  const outcome: Outcome = {
    locks: result.locks.map((lock) => ({ version: lock.version, ttl: lock.ttl })),
    pushed: result.pushed.map((item) => ({ sk: item.sk, enqueuedAt: item.enqueuedAt })),
  }
  const part: Part = {
    index,
    key,
    reason: 'exists',
    first: (now) => ({
      op: 'put',
      row: { ...key, version, data: outcome, ttl: nowSeconds(context) + lifeSeconds },
      guard: free(now),
    }),
    next: () => 'unmet',
    marker: true,
  }
  return {
    part,
    replay(row) {
      if (!row || row.version !== version) {
        throw new IdempotencyMismatch(
          'this idempotencyKey was used within ten minutes with other content: use a new key for new work',
          { keys: [key] },
        )
      }
      const { locks, pushed } = row.data as Outcome
      return {
        locks: result.locks.map((lock, i) => ({ ...lock, ...locks[i]! })),
        pushed: result.pushed.map((item, i) => ({ ...item, ...pushed[i]! })),
      }
    },
  }
}

/** What counts as content: a retry reads its locks and messages anew, so versions and receipts do not. */
function essence(operation: AtomicDbOperation): unknown {
  if ('lock' in operation) return { type: operation.type, pk: operation.lock.pk, sk: operation.lock.sk }
  if (operation.type === 'queueAcknowledge')
    return { type: operation.type, pk: operation.item.pk, sk: operation.item.sk }
  if ('item' in operation) {
    // A message that is handed out again has another receipt and count.
    const { pk, sk, data, ttl, group, delaySeconds } = operation.item as AtomicDbQueueItemInput
    return { ...operation, item: { pk, sk, data, ttl, group, delaySeconds } }
  }
  if ('key' in operation) return { ...operation, key: { pk: operation.key.pk, sk: operation.key.sk } }
  return operation
}

/** One text per value, whatever the order of its fields. */
function fingerprint(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined'
  if (value instanceof Uint8Array) return `b${Buffer.from(value).toString('base64')}`
  if (value instanceof Set) return `s{${[...value].map(fingerprint).sort().join()}}`
  if (Array.isArray(value)) return `[${value.map(fingerprint).join()}]`
  const kind = (value as { [conditionKind]?: string })[conditionKind]
  // As versions: a retry reads anew.
  if (kind === 'unchanged') return kind
  const fields = Object.entries(value)
    .filter(([, of]) => of !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, of]) => `${JSON.stringify(name)}:${fingerprint(of)}`)
  return `${kind ?? ''}{${fields.join()}}`
}
