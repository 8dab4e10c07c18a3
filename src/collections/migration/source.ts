import type { AtomicDbItem, AtomicDbItemKey, CallOptions } from '../../interface.ts'
import { allGuards } from '../../model/expiry.ts'
import { isItem, toItem } from '../../model/rows.ts'
import { scanRows } from '../../model/scan-rows.ts'
import type { Guard } from '../../storage.ts'
import type { Definition } from '../definition.ts'
import { itemOrder, toRange } from '../ranges.ts'
import type { World } from '../world.ts'

/** Where a pass finds the rows of a collection: in their one partition, or in the whole table. */

/** Rows, and where the next ones begin. */
export interface RowPage {
  readonly items: readonly AtomicDbItem[]
  /** How many rows were read. */
  readonly looked: number
  /** Absent: these were the last ones. */
  readonly next?: AtomicDbItemKey
}

export type Source = (
  after: AtomicDbItemKey | undefined,
  limit: number,
  call: CallOptions,
) => Promise<RowPage>

/** All items, with other rows among them. */
export const itemSource = (world: World): Source =>
  isOnePartition(world.definition) ? partitionOf(world) : tableOf(world)

export const isOnePartition = ({ key }: Definition): boolean => key.isListed && key.partition.length === 0

function partitionOf({ db, definition }: World): Source {
  const range = toRange(itemOrder(definition), {}, {}, definition.dates)
  return async (after, limit, call) => {
    const items = await db.query({ ...call, ...range, limit, ...(after && { after: after.sk }) })
    const last = items.at(-1)
    return {
      items,
      looked: items.length,
      ...(items.length === limit && { next: { pk: last!.pk, sk: last!.sk } }),
    }
  }
}

/** The whole table: 1 RRU per 4 KB of everything in it. */
export function tableOf({ db, definition }: World): Source {
  const only = guardOf(definition)
  return async (after, limit, call) => {
    const { rows, scanned, next } = await scanRows(db, {
      ...call,
      limit,
      ...(only && { only }),
      ...(after && { after }),
    })
    const now = Math.floor(db.runtime.now() / 1000)
    const items = rows.filter((row) => isItem(row, now)).map((row) => toItem(row))
    return next ? { items, looked: scanned, next } : { items, looked: scanned }
  }
}

/** What is sent back: the rows of the collection, as far as their keys tell. */
function guardOf({ name, key }: Definition): Guard | undefined {
  if (!key.isListed) return undefined
  const begins = (value: string): Guard => ({ op: 'beginsWith', path: ['pk'], value })
  return allGuards({ op: 'or', of: [begins(key.shared ?? name), begins(`${name}##`)] })
}
