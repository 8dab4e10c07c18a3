import { BackendError } from '../errors.ts'
import { checkedCredentials } from './checked-credentials.ts'
import type { Credentials } from './credentials.ts'
import type { Environment } from './environment.ts'

/** The credentials in the environment, if there are any. */
export function environmentCredentials(env: Environment): Credentials | undefined {
  const accessKeyId = env.AWS_ACCESS_KEY_ID
  const secretAccessKey = env.AWS_SECRET_ACCESS_KEY
  if (!accessKeyId && !secretAccessKey) return undefined
  const expiration = env.AWS_CREDENTIAL_EXPIRATION
  const given = {
    accessKeyId,
    secretAccessKey,
    sessionToken: env.AWS_SESSION_TOKEN,
    expiration: expiration ? new Date(expiration) : undefined,
    accountId: env.AWS_ACCOUNT_ID,
  }
  return checkedCredentials(given, (field, problem) => new BackendError(`${variables[field]}: ${problem}`))
}

const variables: Readonly<Record<string, string>> = {
  '.accessKeyId': 'AWS_ACCESS_KEY_ID',
  '.secretAccessKey': 'AWS_SECRET_ACCESS_KEY',
  '.sessionToken': 'AWS_SESSION_TOKEN',
  '.expiration': 'AWS_CREDENTIAL_EXPIRATION',
  '.accountId': 'AWS_ACCOUNT_ID',
}
