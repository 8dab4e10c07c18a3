import { absent, anyOf } from '../contract/conditions.ts'
import { InvalidInput } from '../errors.ts'
import type {
  AtomicDbItemInput,
  AtomicDbItemKey,
  AtomicDbItemsInterface,
  CallOptions,
  UpdateResult,
} from '../interface.ts'
import { checkDb, wholeNumber } from '../model/checks.ts'
import { checkItemNames } from '../model/item-names.ts'
import { checkKey } from '../model/keys.ts'
import { callOptions, ifHints, optionsCheck } from '../model/options-check.ts'

/** Small programs over `update` that are worth a name. Each is one request of 1 WRU per KB, unless it says otherwise. */

const checkRecipe = /* @__PURE__ */ optionsCheck<CallOptions>(() => [
  callOptions,
  { ...ifHints, if: 'the recipe has a condition of its own: for another one use update' },
])

/**
 * Replaces `data` if it is still what was read (`undefined`: if there is no item). Not applied, `item` is what is
 * there instead. For large data use a lock or a condition on a version field: the whole expected value is sent.
 */
export async function compareAndSet<T>(
  db: AtomicDbItemsInterface,
  key: AtomicDbItemKey,
  expected: T | undefined,
  data: T,
  options: CallOptions = {},
): Promise<UpdateResult<T>> {
  checkDb(db)
  checkRecipe(options)
  const condition = expected === undefined ? absent : { '': { eq: expected } }
  return db.update<unknown>(key, { set: { '': data } }, { ...options, if: condition }) as Promise<
    UpdateResult<T>
  >
}

/** Deletes the item if its `data` is still what was read. */
export async function compareAndDelete<T>(
  db: AtomicDbItemsInterface,
  key: AtomicDbItemKey,
  expected: T,
  options: CallOptions = {},
): Promise<UpdateResult<T>> {
  checkDb(db)
  checkRecipe(options)
  const condition = { '': { eq: expected } }
  return db.update<unknown>(key, { delete: true }, { ...options, if: condition }) as Promise<UpdateResult<T>>
}

/** Writes the item if there is none (an expired one counts as none). Not applied, `item` is the one that is there. */
export async function putIfAbsent<T>(
  db: AtomicDbItemsInterface,
  item: AtomicDbItemInput<T> & { data: T },
  options: CallOptions = {},
): Promise<UpdateResult<T>> {
  checkDb(db)
  checkRecipe(options)
  checkKey(item, 'item')
  checkItemNames(item, 'item')
  const expiry = item.ttl === undefined ? {} : { ttl: item.ttl }
  return db.update<unknown>(
    item,
    { set: { '': item.data }, ...expiry },
    { ...options, if: absent },
  ) as Promise<UpdateResult<T>>
}

/**
 * Takes the next `size` ids of a sequence: `first` to `last`, nobody else gets them. Starts at 1. A reply that is
 * lost (`OutcomeUnknown`) or a process that dies leaves a gap, never a duplicate: just allocate again.
 * One request per block, so a large block makes ids nearly free.
 */
export async function allocateBlock(
  db: AtomicDbItemsInterface,
  key: AtomicDbItemKey,
  size: number,
  options: CallOptions = {},
): Promise<{ first: number; last: number }> {
  checkDb(db)
  checkRecipe(options)
  const limit = Number.MAX_SAFE_INTEGER
  wholeNumber(size, 'size', { min: 1 })
  const { applied, item } = await db.update<unknown>(
    key,
    { add: { '': size } },
    { ...options, if: anyOf({ '': { exists: false } }, { '': { lte: limit - size } }) },
  )
  if (!applied)
    throw new InvalidInput('key', `holds no number, or one with less than ${size} ids up to ${limit}`, {
      keys: [{ pk: key.pk, sk: key.sk }],
    })
  const last = item!.data as number
  return { first: last - size + 1, last }
}
