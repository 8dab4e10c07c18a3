import type { Credentials } from './credentials.ts'

/** Makes the error for a field (`.accessKeyId`, or nothing for the whole). What was given is never a part of it. */
export type Refusal = (field: string, problem: string) => Error

/** Visible ASCII: anything else breaks the header, or makes a signature that nobody accepts. */
const visible = /^[\x21-\x7e]+$/
const accountLabel = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i

/** What a source gave as credentials, without other fields. */
export function checkedCredentials(given: unknown, refusal: Refusal): Credentials {
  if (typeof given !== 'object' || given === null)
    throw refusal('', 'must be an object with accessKeyId and secretAccessKey')
  const fields = given as Record<string, unknown>
  const sessionToken = optional(fields.sessionToken)
  const expiration = optional(fields.expiration)
  const accountId = optional(fields.accountId)
  if (expiration !== undefined && !isMoment(expiration)) throw refusal('.expiration', 'must be a valid Date')
  if (accountId !== undefined && !(typeof accountId === 'string' && accountLabel.test(accountId)))
    throw refusal('.accountId', 'must be the 12 digits of an account')
  return Object.freeze({
    accessKeyId: key(fields.accessKeyId, '.accessKeyId', refusal),
    secretAccessKey: key(fields.secretAccessKey, '.secretAccessKey', refusal),
    ...(sessionToken === undefined ? {} : { sessionToken: key(sessionToken, '.sessionToken', refusal) }),
    ...(expiration === undefined ? {} : { expiration }),
    ...(accountId === undefined ? {} : { accountId }),
  })
}

const optional = (value: unknown): unknown => (value === null || value === '' ? undefined : value)

const isMoment = (value: unknown): value is Date => value instanceof Date && !Number.isNaN(value.getTime())

function key(value: unknown, field: string, refusal: Refusal): string {
  if (value === undefined || value === null || value === '') throw refusal(field, 'is missing')
  if (typeof value !== 'string') throw refusal(field, 'must be a string')
  if (!visible.test(value))
    throw refusal(field, 'contains a space, a line break or another character that no key has: trim it')
  return value
}

/** Whether two sets sign the same. */
export const areSame = (a: Credentials, b: Credentials): boolean =>
  a.accessKeyId === b.accessKeyId &&
  a.secretAccessKey === b.secretAccessKey &&
  a.sessionToken === b.sessionToken
