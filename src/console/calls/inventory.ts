/** What a scan of the table finds: partitions, queues and leases. */
import { InvalidInput } from '../../errors.ts'
import type { AtomicDbItemKey } from '../../interface.ts'
import { isInternalPk, processesPk, queueOfPlace, schedulesPk } from '../../model/key-names.ts'
import { isMessage } from '../../model/message-row.ts'
import { scanRows } from '../../model/scan-rows.ts'
import { rowBytes } from '../../model/sizes.ts'
import type { Row } from '../../storage.ts'
import { type ConsoleCalls, type Given, numberOf, type World } from '../world.ts'
import { leaseRowOf } from './lease-rows.ts'

/** What the rows of one partition are, as far as they were read. */
export interface PartitionCount {
  pk: string
  items: number
  locks: number
  messages: number
  bytes: number
  /** Only the library reads it. */
  internal: boolean
}

/** Rows of a partition that a scan has found. */
export function countRows(rows: readonly Row[]): PartitionCount[] {
  const counts = new Map<string, PartitionCount>()
  for (const row of rows) {
    const { pk } = row
    const count = counts.get(pk) ?? {
      pk,
      items: 0,
      locks: 0,
      messages: 0,
      bytes: 0,
      internal: isInternal(pk),
    }
    counts.set(pk, count)
    if (isMessage(row)) count.messages++
    else if (row.version !== undefined) count.locks++
    else count.items++
    count.bytes += rowBytes(row)
  }
  return [...counts.values()]
}

const isInternal = (pk: string): boolean =>
  isInternalPk(pk) || pk === processesPk || pk.startsWith(schedulesPk) || pk.startsWith('lockrow#')

/** The queues that messages lie in: of shards and of what is due later, their own queue. */
const queuesIn = (rows: readonly Row[]): string[] => [
  ...new Set(rows.filter(isMessage).map(({ pk }) => queueOfPlace(pk))),
]

async function scan({ db, settings, signal }: World, given: Given) {
  if (!settings.scan)
    throw new InvalidInput('scan', 'is not allowed to this console: mount it with scan: true')
  const after = given.after as AtomicDbItemKey | undefined
  const limit = numberOf(given, 'limit', 1000, 5000)
  const { rows, next } = await scanRows(db, { after, limit, consistent: false, signal })
  const leases = rows
    .filter((row) => row.version === undefined && !isMessage(row))
    .map((row) => leaseRowOf({ pk: row.pk, sk: row.sk, data: row.data }))
    .filter((row) => row !== undefined)
  return { partitions: countRows(rows), queues: queuesIn(rows), leases, read: rows.length, next }
}

export const inventoryCalls: ConsoleCalls = { 'table.scan': { run: scan } }
