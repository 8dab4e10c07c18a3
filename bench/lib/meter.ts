/**
 * Counts what a client really sends, and computes its units by the documented formulas: a write is 1 WRU per started
 * KB of the row (the larger of before and after), a strong read 1 RRU per started 4 KB, an eventual one half of that,
 * a transaction twice both. DynamoDB Local reports transactions wrongly, so nothing is taken from its replies but
 * the rows that were read.
 */
import { valueBytes } from '../../src/model/sizes.ts'
import { operationOf, textOf } from './replay.ts'
import type { Client } from './sdk.ts'

export interface Meter {
  requests: number
  wru: number
  rru: number
  failed: number
}

type Wire = Record<string, unknown>
type Attribute = Record<string, unknown>

/** The bytes that DynamoDB counts for an item in its wire form. */
export function wireBytes(item: Record<string, Attribute> | undefined): number {
  let bytes = 0
  for (const [name, value] of Object.entries(item ?? {}))
    bytes += Buffer.byteLength(name) + (isWire(value) ? attribute(value) : valueBytes(value))
  return bytes
}

const wireTypes = new Set(['S', 'N', 'B', 'BOOL', 'NULL', 'L', 'M', 'SS', 'NS', 'BS'])

/** Replies reach the meter in DynamoDB's form or, through a document client, decoded. */
function isWire(value: unknown): value is Attribute {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const names = Object.keys(value)
  return names.length === 1 && wireTypes.has(names[0]!)
}

function attribute(value: Attribute): number {
  const [type, content] = Object.entries(value)[0]!
  switch (type) {
    case 'S':
      return Buffer.byteLength(content as string)
    case 'N':
      return 1 + Math.ceil((content as string).replace(/[-.]/g, '').length / 2)
    case 'B':
      return Buffer.from(content as string, 'base64').length
    case 'L':
      return 3 + (content as Attribute[]).reduce((sum, one) => sum + 1 + attribute(one), 0)
    case 'M':
      return Object.entries(content as Record<string, Attribute>).reduce(
        (sum, [name, one]) => sum + 1 + Buffer.byteLength(name) + attribute(one),
        3,
      )
    case 'SS':
      return (content as string[]).reduce((sum, one) => sum + Buffer.byteLength(one), 0)
    default:
      return 1
  }
}

const kilobytes = (bytes: number): number => Math.max(1, Math.ceil(bytes / 1024))
const blocks = (bytes: number): number => Math.max(1, Math.ceil(bytes / 4096))

/**
 * Adds a meter below the retry of the client: every try that goes out counts. `rowBytes` is the size of rows whose
 * content a request does not show (updates, deletes): the benchmarks use small rows, so that it is one unit.
 */
export function metered(client: Client): Meter {
  const meter: Meter = { requests: 0, wru: 0, rru: 0, failed: 0 }
  const middleware = (next: (args: unknown) => Promise<unknown>) => async (args: unknown) => {
    const { request } = args as { request: { headers: Record<string, string>; body: unknown } }
    const operation = operationOf(request)
    const body = JSON.parse(textOf(request.body)) as Wire
    meter.requests++
    try {
      const result = (await next(args)) as { output: Wire }
      count(meter, operation, body, result.output)
      return result
    } catch (error) {
      // A failed condition is billed like the write.
      meter.failed++
      count(meter, operation, body, {})
      throw error
    }
  }
  ;(client.middlewareStack as unknown as { add(m: unknown, o: object): void }).add(middleware, {
    step: 'deserialize',
    priority: 'high',
    name: 'benchMeter',
    override: true,
  })
  return meter
}

type Items = Record<string, Attribute>[]

function count(meter: Meter, operation: string, body: Wire, output: Wire): void {
  const strength = (consistent: unknown) => (consistent === true ? 1 : 0.5)
  switch (operation) {
    case 'GetItem':
      meter.rru += blocks(wireBytes(output.Item as Items[number])) * strength(body.ConsistentRead)
      return
    case 'Query': {
      const read = ((output.Items as Items) ?? []).reduce((sum, item) => sum + wireBytes(item), 0)
      meter.rru += blocks(read) * strength(body.ConsistentRead)
      return
    }
    case 'BatchGetItem':
      for (const [table, { Keys, ConsistentRead }] of Object.entries(
        body.RequestItems as Record<string, { Keys: unknown[]; ConsistentRead?: boolean }>,
      )) {
        const items = (output.Responses as Record<string, Items> | undefined)?.[table] ?? []
        const missing = Keys.length - items.length
        const units = items.reduce((sum, item) => sum + blocks(wireBytes(item)), missing)
        meter.rru += units * strength(ConsistentRead)
      }
      return
    case 'TransactGetItems':
      for (const { Item } of (output.Responses as { Item?: Items[number] }[]) ?? [])
        meter.rru += 2 * blocks(wireBytes(Item))
      return
    case 'PutItem':
      meter.wru += kilobytes(wireBytes(body.Item as Items[number]))
      return
    case 'UpdateItem':
      meter.wru += kilobytes(wireBytes(output.Attributes as Items[number]))
      return
    case 'DeleteItem':
      meter.wru += 1
      return
    case 'BatchWriteItem':
      for (const requests of Object.values(
        body.RequestItems as Record<string, { PutRequest?: { Item: Items[number] } }[]>,
      ))
        for (const { PutRequest } of requests)
          meter.wru += PutRequest ? kilobytes(wireBytes(PutRequest.Item)) : 1
      return
    case 'TransactWriteItems':
      for (const { Put } of body.TransactItems as { Put?: { Item: Items[number] } }[])
        meter.wru += 2 * (Put ? kilobytes(wireBytes(Put.Item)) : 1)
      return
  }
}

/** What `work` sent and cost. */
export async function costOf(meter: Meter, work: () => Promise<unknown>): Promise<Meter> {
  const before = { ...meter }
  await work()
  return {
    requests: meter.requests - before.requests,
    wru: meter.wru - before.wru,
    rru: meter.rru - before.rru,
    failed: meter.failed - before.failed,
  }
}
