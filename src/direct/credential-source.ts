import { BackendError, InvalidInput } from '../errors.ts'
import { checkedCredentials } from './checked-credentials.ts'
import { containerCredentials } from './container-credentials.ts'
import type { CredentialSource, Credentials, CredentialsProvider } from './credentials.ts'
import type { Environment } from './environment.ts'
import { environmentCredentials } from './environment-credentials.ts'
import { RefreshedCredentials } from './refreshed-credentials.ts'

/**
 * The source for the option `credentials`: an object, a provider, or without it the environment (a Lambda function has
 * its credentials there) and then the container's endpoint (ECS, EKS).
 */
export function credentialSource(
  option: Credentials | CredentialsProvider | undefined,
  env: Environment = process.env,
  now: () => number = Date.now,
): CredentialSource {
  if (typeof option === 'function') return new RefreshedCredentials(option, 'the credentials provider', now)
  if (option === undefined)
    return new RefreshedCredentials(
      () => environmentCredentials(env) ?? ofContainer(env),
      'the environment',
      now,
    )
  const fixed = checkedCredentials(
    option,
    (field, problem) => new InvalidInput(`credentials${field}`, problem),
  )
  return new RefreshedCredentials(() => fixed, "the option 'credentials'", now)
}

async function ofContainer(env: Environment): Promise<Credentials> {
  const credentials = await containerCredentials(env)
  if (credentials) return credentials
  throw new BackendError(
    'no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give credentials: for a profile, SSO or an ' +
      'EC2 instance, fromNodeProviderChain() of @aws-sdk/credential-providers',
  )
}
