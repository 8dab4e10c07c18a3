import { InvalidInput } from '../errors.ts'
import type { AtomicDbItemKey } from '../interface.ts'

/**
 * How keys are named. All begin with the prefix in braces, a hash tag: in a cluster they lie in one slot, so that one script
 * may touch all of them.
 *
 * | key | what |
 * |---|---|
 * | `{lockrow}:r:5:users:ann` | the row `users`, `ann`: 16 bytes of version, then the row as JSON. 5 is the length of `users` in bytes |
 * | `{lockrow}:p:users` | the sort keys of a partition, a sorted set in the order of their bytes |
 * | `{lockrow}:parts` | the partition keys, likewise |
 * | `{lockrow}:ttl` | rows that the server lets expire, by the time when it does, ms |
 * | `{lockrow}:t:TOKEN` | a transaction that was applied: when, and an outline of it |
 * | `{lockrow}:layout` | the version of all this |
 */
export const baseOf = (prefix: string): string => `{${prefix}}`

/** The key of a row. */
export const rowKey = (base: string, { pk, sk }: AtomicDbItemKey): string =>
  `${base}:r:${Buffer.byteLength(pk)}:${pk}:${sk}`

export const tokenKey = (base: string, token: string): string => `${base}:t:${token}`

/** Throws `InvalidInput` for what cannot be in a hash tag. */
export function checkPrefix(prefix: unknown): void {
  if (typeof prefix !== 'string' || !/^[\w:./-]{1,100}$/.test(prefix))
    throw new InvalidInput(
      'options.prefix',
      'must be 1 to 100 letters, digits and _ : . / -; the braces that keep it in one slot of a cluster are put around it',
    )
}
