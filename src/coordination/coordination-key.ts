import { InvalidInput } from '../errors.ts'
import type { AtomicDbItem, AtomicDbItemKey } from '../interface.ts'
import { isLockName, lockSuffix } from '../model/key-names.ts'

/** The key of a coordination row; it must not be that of a lock row. */
export function coordinationKey(key: AtomicDbItemKey): AtomicDbItemKey {
  if (
    typeof key !== 'object' ||
    key === null ||
    typeof key.pk !== 'string' ||
    typeof key.sk !== 'string' ||
    key.pk === '' ||
    key.sk === ''
  ) {
    throw new InvalidInput('key', 'must be an object with pk and sk')
  }
  if (isLockName(key.sk))
    throw new InvalidInput('sk', `must not end in '${lockSuffix}': that is where the locks of items are`, {
      keys: [key],
    })
  return { pk: key.pk, sk: key.sk }
}

/** A row that is there must have one of these fields. Otherwise the key is that of an item or a message. */
export function mustBeOurs(item: AtomicDbItem | undefined, ...fields: string[]): void {
  if (item === undefined) return
  const data = item.data
  if (typeof data === 'object' && data !== null && fields.some((field) => field in data)) return
  throw new InvalidInput('key', 'is that of an item or a message: choose another one', {
    keys: [{ pk: item.pk, sk: item.sk }],
  })
}

export const nameOf = ({ pk, sk }: AtomicDbItemKey): string => `${pk}/${sk}`
