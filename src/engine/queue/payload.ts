/**
 * Large data in a row of its own. It is written before its message and deleted after it, so that a message never lacks
 * it; whatever is interrupted in between leaves a row that expires by itself, a day after its message would have.
 */
import { PartialWrite } from '../../errors.ts'
import { loneSk, payloadKey } from '../../model/key-names.ts'
import { isMessage, type MessageRow } from '../../model/message-row.ts'
import { checkSize } from '../../model/rows.ts'
import { valueBytes } from '../../model/sizes.ts'
import type { Row } from '../../storage.ts'
import { type Context, nowSeconds } from '../context.ts'
import { readRows, writeRows } from '../requests.ts'

const retentionSeconds = 14 * 24 * 3600
const daySeconds = 24 * 3600

/** Takes the data out of a message's row and returns the row for it; undefined where it is small enough. */
export function splitOff(
  context: Context,
  row: MessageRow,
  threshold: number,
  field: string,
): Row | undefined {
  if (row.data === undefined || valueBytes(row.data) <= threshold) return undefined
  row.ttl ??= Math.max(nowSeconds(context), Math.ceil((row.due ?? 0) / 1000)) + retentionSeconds
  // The version hides it from queries and reads of items, as those of locks.
  const key = payloadKey(row.pk, context.id())
  const payload: Row = { ...key, version: row.sk, data: row.data, ttl: row.ttl + daySeconds }
  row.p = key.pk
  checkSize(payload, field)
  delete row.data
  return payload
}

export async function putPayloads(
  context: Context,
  payloads: readonly Row[],
  messages: readonly Row[],
): Promise<void> {
  try {
    await writeRows(
      context,
      payloads.map((put) => ({ put })),
    )
  } catch (error) {
    await dropPayloads(
      context,
      payloads.map(({ pk }) => pk),
    )
    if (!(error instanceof PartialWrite)) throw error
    const keys = messages.map((row) => ({ pk: row.pk, sk: row.sk }))
    throw new PartialWrite('not all payloads could be written, so no message was', { keys, cause: error })
  }
}

/** Best effort: what remains expires. */
export async function dropPayloads(
  context: Context,
  payloadKeys: readonly (string | undefined)[],
): Promise<void> {
  const keys = payloadKeys.filter((pk) => pk !== undefined)
  if (keys.length === 0) return
  await writeRows(
    context,
    keys.map((pk) => ({ delete: { pk, sk: loneSk } })),
  ).catch(() => {})
}

export const payloadKeyOf = (row: Row | undefined): string | undefined => (isMessage(row) ? row.p : undefined)

/** Puts the data back into rows of messages; returns those whose payload is gone. */
export async function fetchPayloads<R extends MessageRow>(
  context: Context,
  rows: readonly R[],
): Promise<R[]> {
  const large = rows.filter((row) => payloadKeyOf(row) !== undefined)
  if (large.length === 0) return []
  const keys = large.map((row) => ({ pk: payloadKeyOf(row)!, sk: loneSk }))
  const found = await readRows(context, keys)
  found.forEach((payload, i) => {
    const row: MessageRow = large[i]!
    if (payload) row.data = payload.data
  })
  return large.filter((_, i) => found[i] === undefined)
}
