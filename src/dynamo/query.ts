import { wireKey } from '../model/attribute-values.ts'
import type { Range, Scan } from '../storage.ts'
import { Expressions } from './expressions.ts'
import type { QueryInput, ScanInput } from './transport.ts'

/** A page of a range as DynamoDB's Query: one condition on `sk`, and a filter only where one is asked for. */
export function queryInput(table: string, range: Range, consistent: boolean): QueryInput {
  const expressions = new Expressions()
  const input: QueryInput = {
    TableName: table,
    KeyConditionExpression: keyCondition(range, expressions),
    ConsistentRead: consistent,
  }
  if (range.only) input.FilterExpression = expressions.condition(range.only)
  if (range.count) input.Select = 'COUNT'
  else if (range.paths) input.ProjectionExpression = projection(range.paths, expressions)
  if (range.reverse) input.ScanIndexForward = false
  if (range.limit !== undefined) input.Limit = limitOf(range.limit)
  if (range.after !== undefined) input.ExclusiveStartKey = wireKey({ pk: range.pk, sk: range.after })
  input.ExpressionAttributeNames = expressions.names
  input.ExpressionAttributeValues = expressions.values
  return input
}

/** A page of a scan as DynamoDB's Scan. */
export function scanInput(table: string, scan: Scan, consistent: boolean): ScanInput {
  const expressions = new Expressions()
  const input: ScanInput = { TableName: table, ConsistentRead: consistent }
  if (scan.segments !== undefined) {
    input.TotalSegments = scan.segments
    input.Segment = scan.segment ?? 0
  }
  if (scan.only) input.FilterExpression = expressions.condition(scan.only)
  if (scan.paths) input.ProjectionExpression = projection(scan.paths, expressions)
  if (scan.limit !== undefined) input.Limit = limitOf(scan.limit)
  if (scan.after !== undefined) input.ExclusiveStartKey = wireKey(scan.after)
  if (scan.only || scan.paths) input.ExpressionAttributeNames = expressions.names
  if (expressions.hasValues) input.ExpressionAttributeValues = expressions.values
  return input
}

/** The service takes 32 bits. */
const limitOf = (limit: number): number => Math.min(limit, 2 ** 31 - 1)

function keyCondition({ pk, prefix, from, to }: Range, expressions: Expressions): string {
  const partition = `${expressions.path(['pk'])} = ${expressions.value(pk)}`
  const of = () => `${partition} AND ${expressions.path(['sk'])}`
  if (prefix !== undefined)
    return `${partition} AND begins_with(${expressions.path(['sk'])}, ${expressions.value(prefix)})`
  if (from !== undefined && to !== undefined)
    return `${of()} BETWEEN ${expressions.value(from)} AND ${expressions.value(to)}`
  if (from !== undefined) return `${of()} >= ${expressions.value(from)}`
  return to === undefined ? partition : `${of()} <= ${expressions.value(to)}`
}

const projection = (paths: NonNullable<Range['paths']>, expressions: Expressions): string =>
  [['pk'], ['sk'], ['ttl'], ['version'], ...paths].map((path) => expressions.path(path)).join(', ')
