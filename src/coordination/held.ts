import { InvalidInput } from '../errors.ts'
import type { AtomicDbItemKey } from '../interface.ts'
import type { Runtime } from '../runtime.ts'

/** What a mutex object holds. */
export interface Held {
  owner: string
  token: number
  /** By our monotonic clock; what we rely on. Infinity: no time to live. */
  deadline: number
}

/** As text, with the deadline by the wall clock: another process has another monotonic one. */
export function heldToText(key: AtomicDbItemKey, { owner, token, deadline }: Held, runtime: Runtime): string {
  const until = deadline === Number.POSITIVE_INFINITY ? null : runtime.now() + deadline - runtime.monotonic()
  return JSON.stringify({ lockrow: 'mutex', pk: key.pk, sk: key.sk, owner, token, until })
}

export function heldFromText(text: string, runtime: Runtime): { key: AtomicDbItemKey; held: Held } {
  let parsed: AtomicDbItemKey & { lockrow?: string; owner: string; token: number; until: number | null }
  try {
    parsed = JSON.parse(text)
  } catch (cause) {
    throw new InvalidInput('text', 'is not a serialized mutex', { cause })
  }
  const fits =
    parsed?.lockrow === 'mutex' &&
    typeof parsed.owner === 'string' &&
    Number.isSafeInteger(parsed.token) &&
    (parsed.until === null || typeof parsed.until === 'number')
  if (!fits) throw new InvalidInput('text', 'is not a serialized mutex')
  const { pk, sk, owner, token, until } = parsed
  const deadline = until === null ? Number.POSITIVE_INFINITY : runtime.monotonic() + until - runtime.now()
  return { key: { pk, sk }, held: { owner, token, deadline } }
}
