import { InvalidInput } from '../../errors.ts'
import type { AtomicDbItemKey } from '../../interface.ts'

/** What another process needs to go on with a mutex. */
export interface SerializedMutex extends AtomicDbItemKey {
  owner: string
  token: number
  /** The last beat that is known to be in the row. */
  beat: string
  /** What the row says, epoch ms by the clock of who wrote it; null: until it is released. */
  until: number | null
}

export function mutexToText(mutex: SerializedMutex): string {
  const { pk, sk, owner, token, beat, until } = mutex
  return JSON.stringify({ lockrow: 'mutex', pk, sk, owner, token, beat, until })
}

export function mutexFromText(text: string): SerializedMutex {
  let parsed: (SerializedMutex & { lockrow?: string }) | null
  try {
    parsed = JSON.parse(text)
  } catch (cause) {
    throw new InvalidInput('text', 'is not a serialized mutex', { cause })
  }
  const fits =
    parsed?.lockrow === 'mutex' &&
    typeof parsed.owner === 'string' &&
    typeof parsed.beat === 'string' &&
    Number.isSafeInteger(parsed.token) &&
    (parsed.until === null || typeof parsed.until === 'number')
  if (!fits) throw new InvalidInput('text', 'is not a serialized mutex')
  return parsed as SerializedMutex
}
