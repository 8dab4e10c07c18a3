import { wireKey } from '../model/attribute-values.ts'
import type { Range } from '../storage.ts'
import { Expressions } from './expressions.ts'
import type { QueryInput } from './transport.ts'

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
  // The service takes 32 bits.
  if (range.limit !== undefined) input.Limit = Math.min(range.limit, 2 ** 31 - 1)
  if (range.after !== undefined) input.ExclusiveStartKey = wireKey({ pk: range.pk, sk: range.after })
  input.ExpressionAttributeNames = expressions.names
  input.ExpressionAttributeValues = expressions.values
  return input
}

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
