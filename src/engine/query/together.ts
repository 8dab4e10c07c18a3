import { InvalidInput } from '../../errors.ts'
import type { AtomicDbItem, AtomicDbItemKey } from '../../interface.ts'
import { checkKey, keyText } from '../../model/keys.ts'
import { itemOrNone } from '../../model/rows.ts'
import { StorageFault } from '../../storage.ts'
import { type Context, nowSeconds } from '../context.ts'
import { readTogether } from '../requests.ts'

const maxKeys = 100
const maxBytes = 4 * 1024 * 1024

/** Items as of one moment. A key that is there twice is read once. */
export async function getTogether<T>(
  context: Context,
  keys: readonly AtomicDbItemKey[],
): Promise<(AtomicDbItem<T> | undefined)[]> {
  if (!Array.isArray(keys)) throw new InvalidInput('keys', 'must be an array', { given: typeof keys })
  keys.forEach((key, i) => {
    checkKey(key, `keys[${i}]`)
  })
  if (keys.length === 0) return []
  const distinct = new Map(keys.map(({ pk, sk }) => [keyText({ pk, sk }), { pk, sk }]))
  const wanted = [...distinct.values()]
  if (wanted.length > maxKeys)
    throw new InvalidInput('keys', `can be at most ${maxKeys}: one moment cannot be split into requests`, {
      limit: maxKeys,
      given: String(wanted.length),
    })
  try {
    const rows = await readTogether(context, wanted)
    const now = nowSeconds(context)
    const found = new Map([...distinct.keys()].map((text, i) => [text, rows[i]]))
    return keys.map((key) => itemOrNone<T>(found.get(keyText(key)), now))
  } catch (error) {
    if (!(error instanceof StorageFault) || error.kind !== 'invalid') throw error
    throw new InvalidInput('keys', 'hold more than 4 MB: one moment cannot be split into requests', {
      limit: maxBytes,
      cause: error.cause,
    })
  }
}
