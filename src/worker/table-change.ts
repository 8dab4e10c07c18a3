import { InvalidInput } from '../errors.ts'
import type { AtomicDbItem, AtomicDbItemKey, AtomicDbItemLock, AtomicDbQueueItem } from '../interface.ts'
import { type EventImage, rowOfImage } from '../model/event-values.ts'
import { isLive } from '../model/expiry.ts'
import { isInternalKey } from '../model/key-names.ts'
import { isMessage, toMessage } from '../model/message-row.ts'
import { toItem, toLock } from '../model/rows.ts'
import type { Row } from '../storage.ts'

/** A record of the table's stream, as Lambda hands it over. `DynamoDBRecord` of `@types/aws-lambda` fits. */
export interface ChangeRecord {
  eventID?: string | undefined
  eventName?: string | undefined
  userIdentity?: unknown
  dynamodb?:
    | {
        ApproximateCreationDateTime?: number | undefined
        Keys?: EventImage | undefined
        NewImage?: EventImage | undefined
        OldImage?: EventImage | undefined
        SequenceNumber?: string | undefined
        StreamViewType?: string | undefined
      }
    | undefined
}

interface ChangeBase {
  key: AtomicDbItemKey
  /** When the row was written or removed, epoch ms; DynamoDB says it in whole seconds. */
  at: number
  /** Of the stream record. It grows with the changes of a row, and is the same when a record comes again. */
  sequenceNumber: string
}

type ChangeOf<Kind extends string, Shown> = ChangeBase & { kind: Kind } & (
    | { type: 'created'; before?: undefined; after: Shown }
    | { type: 'changed'; before: Shown; after: Shown }
    | { type: 'removed' | 'expired'; before: Shown; after?: undefined }
  )

/**
 * What happened to an item, a lock or a message, by `kind`. `type`: `removed` was deleted by somebody, `expired` by its
 * `ttl`. `before` and `after` are what a read would have shown.
 */
export type TableChange<Data = unknown> =
  | ChangeOf<'item', AtomicDbItem<Data>>
  | ChangeOf<'lock', AtomicDbItemLock>
  | ChangeOf<'message', AtomicDbQueueItem<Data>>

type Kind = TableChange['kind']

/** Rows that only the engine reads, payloads, markers and pointers, are of no kind. */
function kindOf(row: Row): Kind | undefined {
  if (isMessage(row)) return 'message'
  if (row.version === undefined) return 'item'
  return isInternalKey(row) ? undefined : 'lock'
}

function shown(kind: Kind, row: Row, at: number): unknown {
  if (kind === 'message') return toMessage(row as Parameters<typeof toMessage>[0], at)
  return kind === 'lock' ? toLock(row) : toItem(row)
}

/**
 * The changes of one record: one, or two where what expired before, or a row of another kind, is replaced, or none
 * where only the engine is concerned.
 */
export function changesOf(record: ChangeRecord): TableChange[] {
  const { dynamodb, eventName } = record
  if (dynamodb?.StreamViewType !== undefined && dynamodb.StreamViewType !== 'NEW_AND_OLD_IMAGES')
    throw new InvalidInput('event', 'must come from a stream with the view type NEW_AND_OLD_IMAGES', {
      given: dynamodb.StreamViewType,
    })
  const before = rowOfImage(dynamodb?.OldImage)
  const after = rowOfImage(dynamodb?.NewImage)
  if ((eventName !== 'INSERT' && !before) || (eventName !== 'REMOVE' && !after))
    throw new InvalidInput('event', 'must have the images of a row: a stream with NEW_AND_OLD_IMAGES', {
      given: `${eventName}`,
    })
  const at = (dynamodb?.ApproximateCreationDateTime ?? Date.now() / 1000) * 1000
  const hasExpired = before !== undefined && (isByService(record) || !isLive(before, Math.floor(at / 1000)))
  const ends = { type: hasExpired ? 'expired' : 'removed', before } as const
  const base = { at, sequenceNumber: dynamodb?.SequenceNumber ?? '' }
  if (!after) return change(base, ends)
  if (!before) return change(base, { type: 'created', after })
  const isReplaced = kindOf(before) !== kindOf(after) || (hasExpired && isLive(after, Math.floor(at / 1000)))
  return isReplaced
    ? [...change(base, ends), ...change(base, { type: 'created', after })]
    : change(base, { type: 'changed', before, after })
}

/** Deleted by DynamoDB itself, for its `ttl`. Replicas of other regions are not told so: there the time says it. */
const isByService = ({ eventName, userIdentity }: ChangeRecord): boolean =>
  eventName === 'REMOVE' &&
  (userIdentity as { principalId?: unknown } | null | undefined)?.principalId === 'dynamodb.amazonaws.com'

function change(
  base: Omit<ChangeBase, 'key'>,
  { type, before, after }: { type: TableChange['type']; before?: Row; after?: Row },
): TableChange[] {
  const row = (after ?? before)!
  const kind = kindOf(row)
  if (kind === undefined) return []
  return [
    {
      kind,
      type,
      key: { pk: row.pk, sk: row.sk },
      ...base,
      ...(before && { before: shown(kind, before, base.at) }),
      ...(after && { after: shown(kind, after, base.at) }),
    } as TableChange,
  ]
}
