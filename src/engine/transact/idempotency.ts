import { createHash } from 'node:crypto'
import { conditionKind } from '../../contract/conditions.ts'
import { IdempotencyMismatch, InvalidInput } from '../../errors.ts'
import type {
  AtomicDbItemKey,
  AtomicDbOperation,
  AtomicDbQueueItem,
  AtomicDbQueueItemInput,
  TransactResult,
} from '../../interface.ts'
import { isVacantGuard } from '../../model/expiry.ts'
import { idempotencyMarkerKey } from '../../model/key-names.ts'
import { compareNumbers, isNumeric } from '../../model/numbers.ts'
import { equals } from '../../model/values.ts'
import type { Row } from '../../storage.ts'
import { type RowStep, unmet } from './row-step.ts'

/**
 * Ten minutes from when the transaction was applied at the latest: its token is used for 4.5 minutes, and its last
 * try may arrive five minutes after that.
 */
const lifeSeconds = 20 * 60
/** A request may arrive so long after it was signed; a minute of it is for what the clocks differ. */
const lateSeconds = 6 * 60

/** What a marker remembers of the first run: enough to answer again. */
interface Outcome {
  locks: { version: string; ttl: number }[]
  pushed: Partial<AtomicDbQueueItem>[]
}

/** The step that writes the marker, and the answer to a later call. */
interface IdempotencyMarker {
  step: RowStep
  /** The result of the first run. Throws `IdempotencyMismatch` where the row stands for other content. */
  replay(row: Row | undefined): TransactResult
}

/**
 * The row by which a transaction is applied once. It lies in a partition of its own that begins with the caller's key
 * (so that grants narrowed to a prefix cover it), and has a `version` so that no query shows it.
 */
export function idempotencyMarker(
  idempotencyKey: string,
  operations: readonly AtomicDbOperation[],
  result: TransactResult,
  index: number,
): IdempotencyMarker {
  checkIdempotencyKey(idempotencyKey)
  const key = idempotencyMarkerKey(idempotencyKey)
  const version = createHash('sha256')
    .update(fingerprint(operations.map(essence)))
    .digest('base64url')
  return {
    step: markerStep(index, key, version, () => outcomeOf(result)),
    replay(row) {
      if (row?.version === version) return replayed(result, row.data as Outcome)
      throw new IdempotencyMismatch(
        'this idempotencyKey was used a few minutes ago with other content: use a new key for new work',
        { keys: [key] },
      )
    },
  }
}

function checkIdempotencyKey(key: unknown): void {
  if (typeof key === 'string' && key !== '' && key.isWellFormed() && Buffer.byteLength(key) <= 1000) return
  throw new InvalidInput('idempotencyKey', 'must be a text of 1 to 1000 bytes', { limit: 1000 })
}

/** What only the run itself decides of a message. */
const decided = ['pk', 'sk', 'enqueuedAt', 'payloadKey', 'queue', 'isDuplicate', 'ttl'] as const

const outcomeOf = ({ locks, pushed }: TransactResult): Outcome => ({
  locks: locks.map(({ version, ttl }) => ({ version, ttl })),
  pushed: pushed.map((item) => {
    const kept: Record<string, unknown> = {}
    for (const name of decided) if (item[name] !== undefined) kept[name] = item[name]
    return kept
  }),
})

const replayed = (result: TransactResult, { locks, pushed }: Outcome): TransactResult => ({
  locks: result.locks.map((lock, i) => ({ ...lock, ...locks[i]! })),
  pushed: result.pushed.map(({ payloadKey: _, queue: __, isDuplicate: ___, ...item }, i) => ({
    ...item,
    ...pushed[i]!,
  })),
})

const markerStep = (
  index: number,
  key: AtomicDbItemKey,
  version: string,
  outcome: () => Outcome,
): RowStep => ({
  index,
  key,
  reason: 'exists',
  first: (now) => ({
    op: 'put',
    row: { ...key, version, data: outcome(), ttl: now + lifeSeconds },
    guard: isVacantGuard(now),
  }),
  next: unmet,
  // A marker that expires soon may be gone when a lost try of ours arrives.
  failsForGood: (row, now) => isNumeric(row?.ttl) && compareNumbers(row.ttl, now + lateSeconds) > 0,
  // Another call with this key and outcome may have written it within the second: it stands for the same.
  isProof: (row, sent) =>
    row.version === version &&
    sent.op === 'put' &&
    equals([row.ttl, row.data], [sent.row.ttl, sent.row.data]),
})

/** What counts as content: a retry reads its locks and messages anew, so versions and receipts do not. */
function essence(operation: AtomicDbOperation): unknown {
  if ('lock' in operation) return { type: operation.type, pk: operation.lock.pk, sk: operation.lock.sk }
  if (operation.type === 'queueAcknowledge')
    return { type: operation.type, pk: operation.item.pk, sk: operation.item.sk }
  if ('item' in operation) {
    // A message that is handed out again has another receipt and count.
    const { at, ...item } = operation.item as AtomicDbQueueItemInput
    const { pk, sk, data, ttl, group, family, priority, delaySeconds, uniqueId, deduplicationId } = item
    const ids = { uniqueId, deduplicationId }
    const due = at === undefined ? undefined : Number(at)
    return {
      ...operation,
      item: { pk, sk, data, ttl, group, family, priority, delaySeconds, at: due, ...ids },
    }
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
