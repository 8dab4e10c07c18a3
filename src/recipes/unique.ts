import { InvalidInput } from '../errors.ts'
import type {
  AtomicDbItemInput,
  AtomicDbItemKey,
  AtomicDbItemsInterface,
  AtomicDbOperation,
  ReadOptions,
  TransactOptions,
} from '../interface.ts'
import { checkDb } from '../model/checks.ts'
import { uniqueKey } from '../model/key-names.ts'
import { checkKey, checkPk, checkPkAndSk } from '../model/keys.ts'

/** Which values an entity reserves: `{ email: 'a@b.c', handle: 'ab' }`. Compared as they are: normalise before. */
export type UniqueValues = Readonly<Record<string, string>>

const take = (scope: string, owner: AtomicDbItemKey, values: UniqueValues): AtomicDbOperation[] =>
  Object.entries(values).map(([name, value]) => ({
    type: 'setIfAbsent',
    item: { ...uniqueKey(scope, name, value), data: { pk: owner.pk, sk: owner.sk } },
  }))

/** Before keys are made of them: `undefined#unique#email` is a key too. */
function checkArguments(scope: string, owner: AtomicDbItemKey, ...all: UniqueValues[]): void {
  checkPk(scope, 'scope')
  checkPkAndSk(owner, 'entity')
  for (const values of all) {
    if (typeof values !== 'object' || values === null || Array.isArray(values))
      throw new InvalidInput('values', 'must be an object of texts by name')
    for (const [name, value] of Object.entries(values))
      checkKey(uniqueKey(scope, name, value), `values.${name}`)
  }
}

/** A marker is given back only by its owner. */
const giveBack = (scope: string, owner: AtomicDbItemKey, values: UniqueValues): AtomicDbOperation[] =>
  Object.entries(values).map(([name, value]) => ({
    type: 'delete',
    key: uniqueKey(scope, name, value),
    if: { pk: owner.pk, sk: owner.sk },
  }))

const ofOwner = ({ pk, sk }: AtomicDbItemKey): AtomicDbItemKey => ({ pk, sk })

/**
 * Creates an entity whose values nobody else has: entity and one marker row per value in one transaction.
 * `ConditionFailed` lists what is taken (its key names the value, `current` the owner). 2 WRU per row.
 *
 * ```ts
 * await reserveUnique(db, 'users', { pk: 'users', sk: id, data: user }, { email: user.email })
 * ```
 */
export async function reserveUnique(
  db: AtomicDbItemsInterface,
  scope: string,
  entity: AtomicDbItemInput,
  values: UniqueValues,
  options?: TransactOptions,
): Promise<void> {
  checkDb(db)
  checkArguments(scope, entity, values)
  await db.transact([{ type: 'setIfAbsent', item: entity }, ...take(scope, entity, values)], options)
}

/** Writes the entity anew with other values: takes the new ones and gives the old ones back, all or nothing. */
export async function changeUnique(
  db: AtomicDbItemsInterface,
  scope: string,
  entity: AtomicDbItemInput,
  from: UniqueValues,
  to: UniqueValues,
  options?: TransactOptions,
): Promise<void> {
  checkDb(db)
  checkArguments(scope, entity, from, to)
  const only = (values: UniqueValues, others: UniqueValues) =>
    Object.fromEntries(Object.entries(values).filter(([name, value]) => others[name] !== value))
  await db.transact(
    [
      { type: 'set', item: entity },
      ...take(scope, entity, only(to, from)),
      ...giveBack(scope, entity, only(from, to)),
    ],
    options,
  )
}

/** Deletes the entity and gives its values back. */
export async function releaseUnique(
  db: AtomicDbItemsInterface,
  scope: string,
  key: AtomicDbItemKey,
  values: UniqueValues,
  options?: TransactOptions,
): Promise<void> {
  checkDb(db)
  checkArguments(scope, key, values)
  await db.transact([{ type: 'delete', key: ofOwner(key) }, ...giveBack(scope, key, values)], options)
}

/** Whose a value is, if anybody's. 1 RRU. */
export async function uniqueOwner(
  db: AtomicDbItemsInterface,
  scope: string,
  name: string,
  value: string,
  options?: ReadOptions,
): Promise<AtomicDbItemKey | undefined> {
  checkDb(db)
  checkPk(scope, 'scope')
  return (await db.get<AtomicDbItemKey>(uniqueKey(scope, name, value), options))?.data
}
