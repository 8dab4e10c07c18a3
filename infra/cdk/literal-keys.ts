// What IAM takes literally in a condition on partition keys, for the construct and the command line.

/** Why a partition key or prefix cannot stand in a policy; undefined: it can. */
export function literalProblem(key: string): string | undefined {
  if (typeof key !== 'string' || key === '') return 'a partition key or prefix must not be empty'
  if (/[*?]|\$\{/.test(key)) return `'${key}' holds a wildcard (* or ?) or a policy variable ($\{...}) of IAM`
  if (/\p{Surrogate}/u.test(key) || Buffer.byteLength(key) > 2048)
    return `'${key.slice(0, 40)}' is no partition key (well-formed, at most 2,048 bytes)`
  return undefined
}

/** The same of a prefix, which must not match more than it says. */
export const prefixProblem = (prefix: string): string | undefined =>
  literalProblem(prefix) ??
  (/[\p{L}\p{N}]$/u.test(prefix)
    ? `'${prefix}' would also match '${prefix}0'; end it with a separator such as '#', or name whole keys`
    : undefined)

/**
 * The condition that narrows a statement to these partition keys. `ForAllValues` is true of a request without the key
 * as well, hence the `Null` guard.
 */
export const conditionOn = (keys: readonly string[]): Record<string, Record<string, unknown>> => ({
  'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [...keys] },
  Null: { 'dynamodb:LeadingKeys': 'false' },
})
