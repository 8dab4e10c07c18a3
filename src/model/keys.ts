import { InvalidInput } from '../errors.ts'
import type { AtomicDbItemKey } from '../interface.ts'
import { checkKeyNames } from './item-names.ts'
import { lockSuffix } from './key-names.ts'

const pkLimit = 2048
const skLimit = 1024

/** Checks one part of a key; `field` is named in the error. */
function checkPart(value: unknown, field: string, limit: number): void {
  if (typeof value !== 'string')
    throw new InvalidInput(field, 'must be a text', { given: value === null ? 'null' : typeof value })
  if (value === '') throw new InvalidInput(field, 'must not be empty')
  // A UTF-16 unit is at most three bytes of UTF-8.
  if (value.length * 3 > limit) {
    const bytes = Buffer.byteLength(value)
    if (bytes > limit)
      throw new InvalidInput(field, `must be at most ${limit} bytes of UTF-8`, {
        limit,
        given: `${bytes} bytes`,
      })
  }
  if (!value.isWellFormed())
    throw new InvalidInput(field, 'has a lone surrogate: different keys would become one')
}

const at = (field: string, part: string): string => (field === '' ? part : `${field}.${part}`)

/** Checks `pk` and `sk`, and refuses fields that nothing of ours returns: what was read may be passed as a key. */
export function checkKey(key: AtomicDbItemKey, field = ''): void {
  checkPkAndSk(key, field)
  checkKeyNames(key, field)
}

/** The key alone, for objects whose other fields are checked elsewhere. */
export function checkPkAndSk(key: AtomicDbItemKey, field = ''): void {
  if (typeof key !== 'object' || key === null)
    throw new InvalidInput(field || 'key', 'must be an object with pk and sk', {
      given: key === null ? 'null' : typeof key,
    })
  checkPart(key.pk, at(field, 'pk'), pkLimit)
  checkPart(key.sk, at(field, 'sk'), skLimit)
}

export function checkPk(pk: unknown, field = 'pk'): void {
  checkPart(pk, field, pkLimit)
}

export function checkSk(sk: unknown, field = 'sk'): void {
  checkPart(sk, field, skLimit)
}

/** Text that tells any two keys apart: it is split again at the first NUL, or begins with one. */
export const keyText = ({ pk, sk }: AtomicDbItemKey): string =>
  pk.includes('\0') ? `\0${pk.length}:${pk}${sk}` : `${pk}\0${sk}`

/** The key alone, of an item, a lock or a message. */
export const bareKey = ({ pk, sk }: AtomicDbItemKey): AtomicDbItemKey => ({ pk, sk })

export const sameKey = (a: AtomicDbItemKey, b: AtomicDbItemKey): boolean => a.pk === b.pk && a.sk === b.sk

/** For messages: `orders/o-1`. */
export const showKey = (key: AtomicDbItemKey): string => `${key.pk}/${key.sk}`

/** The key of the lock has its limit too. */
export function checkLockable({ sk }: AtomicDbItemKey, field = ''): void {
  const limit = skLimit - lockSuffix.length
  if (typeof sk !== 'string' || sk.length * 3 <= limit) return
  const bytes = Buffer.byteLength(sk)
  if (bytes > limit && bytes <= skLimit)
    throw new InvalidInput(
      at(field, 'sk'),
      `must be at most ${limit} bytes of UTF-8 to be locked: the lock is at sk + '${lockSuffix}'`,
      { limit, given: `${bytes} bytes` },
    )
}
