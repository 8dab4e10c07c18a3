import { InvalidInput } from '../errors.ts'
import { type Environment, switchOf } from './environment.ts'
import { isAwsHost, type Partition, partitionOf } from './partitions.ts'

/** What decides where requests go. Options count before the environment. */
export interface EndpointOptions {
  /** Such as `eu-west-1`. @default AWS_REGION, then AWS_DEFAULT_REGION */
  readonly region?: string | undefined
  /** A URL with its scheme. @default AWS_ENDPOINT_URL_DYNAMODB, then AWS_ENDPOINT_URL */
  readonly endpoint?: string | URL | undefined
  /** @default AWS_USE_FIPS_ENDPOINT */
  readonly useFips?: boolean | undefined
  /** Names that also have IPv6 addresses. @default AWS_USE_DUALSTACK_ENDPOINT */
  readonly useDualstack?: boolean | undefined
  /**
   * Of the credentials. Requests go to the account's own endpoint, unless AWS_ACCOUNT_ID_ENDPOINT_MODE is `disabled`.
   * Null: nobody has asked for credentials yet.
   */
  readonly accountId?: string | null | undefined
  readonly env?: Environment | undefined
}

/** Where requests go, and the region that they are signed for. */
export interface Endpoint {
  readonly url: URL
  readonly region: string
  /** Whether it can be another one for credentials with an account, or must be. */
  readonly account: 'never' | 'preferred' | 'required'
}

/** The same host as the AWS SDK would ask. */
export function resolveEndpoint(options: EndpointOptions): Endpoint {
  const env = options.env ?? process.env
  const given = regionOf(options.region, env)
  const isFipsRegion = given.startsWith('fips-') || given.endsWith('-fips')
  const region = isFipsRegion ? given.replace(/^fips-(dkr-|prod-)?|-fips$/g, '') : given
  const fips = isFipsRegion || (options.useFips ?? switchOf(env, 'AWS_USE_FIPS_ENDPOINT'))
  const dualstack = options.useDualstack ?? switchOf(env, 'AWS_USE_DUALSTACK_ENDPOINT')
  const [text, field] = endpointOf(options.endpoint, env)
  if (text !== undefined) {
    if (fips || dualstack) throw new InvalidInput(field, 'names its host: leave out useFips and useDualstack')
    return {
      url: checkedUrl(text, field),
      region: region === 'local' ? localRegion : region,
      account: 'never',
    }
  }
  if (region === 'local') return local(fips || dualstack)
  const account = accountOf(options, env)
  const url = new URL(`https://${hostOf(region, fips, dualstack, account)}`)
  return { url, region, account: account.mode }
}

const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

function regionOf(option: string | undefined, env: Environment): string {
  const region = option ?? (env.AWS_REGION || env.AWS_DEFAULT_REGION)
  if (region === undefined || region === '')
    throw new InvalidInput('region', "is missing: give { region: 'eu-west-1' }, or set AWS_REGION")
  if (typeof region === 'string' && label.test(region)) return region
  throw new InvalidInput('region', "must be the name of a region, such as 'eu-west-1'", {
    given: typeof region === 'string' ? JSON.stringify(region.slice(0, 40)) : typeof region,
  })
}

/** The endpoint that somebody has set, and where. */
function endpointOf(option: string | URL | undefined, env: Environment): [string | URL | undefined, string] {
  if (option !== undefined) return [option, 'endpoint']
  if (switchOf(env, 'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS')) return [undefined, '']
  const name = env.AWS_ENDPOINT_URL_DYNAMODB ? 'AWS_ENDPOINT_URL_DYNAMODB' : 'AWS_ENDPOINT_URL'
  return [env[name] || undefined, name]
}

/** Never with the text in the error: it may contain a password. */
function checkedUrl(given: string | URL, field: string): URL {
  const text = String(given)
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text))
    throw new InvalidInput(
      field,
      "must be a URL with its scheme: 'https://...', or 'http://...' for a server without TLS",
    )
  const url = new URL(text)
  if (url.username || url.password) throw new InvalidInput(field, 'must not contain a user or password')
  if (url.search || url.hash) throw new InvalidInput(field, 'must not have a query or fragment')
  if (url.protocol === 'http:' && isAwsHost(url.hostname))
    throw new InvalidInput(field, "is AWS's own without TLS, so all data would be readable: use https://")
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  return url
}

const localRegion = 'us-east-1'

/** The SDK's name for DynamoDB Local on its own port. */
function local(isSpecial: boolean): Endpoint {
  if (isSpecial) throw new InvalidInput('region', "'local' has neither FIPS nor dual-stack endpoints")
  return { url: new URL('http://localhost:8000'), region: localRegion, account: 'never' }
}

interface Account {
  readonly id: string | undefined
  readonly mode: Endpoint['account']
  readonly isRequired: boolean
}

const modeName = 'AWS_ACCOUNT_ID_ENDPOINT_MODE'

function accountOf(options: EndpointOptions, env: Environment): Account {
  const mode = (env[modeName] || 'preferred').toLowerCase()
  if (!/^(preferred|required|disabled)$/.test(mode))
    throw new InvalidInput(modeName, "must be 'preferred', 'required' or 'disabled'")
  const { accountId } = options
  return {
    id: mode === 'disabled' ? undefined : (accountId ?? undefined),
    mode: mode === 'disabled' ? 'never' : (mode as Endpoint['account']),
    isRequired: mode === 'required' && accountId !== null,
  }
}

/** Regions outside of the largest partition whose accounts have endpoints. */
const withAccounts = new Set(['us-gov-east-1', 'us-gov-west-1', 'cn-north-1', 'cn-northwest-1'])

function hostOf(region: string, fips: boolean, dualstack: boolean, account: Account): string {
  const partition = partitionOf(region)
  const suffix = dualstack ? partition.dualstackSuffix : partition.suffix
  const hasAccounts = !fips && (partition.name === 'aws' || withAccounts.has(region))
  if (account.isRequired && !(hasAccounts && account.id))
    throw new InvalidInput(
      modeName,
      hasAccounts
        ? "is 'required', and the credentials have no accountId"
        : "is 'required', and there is no such endpoint here",
    )
  if (hasAccounts && account.id) return `${account.id}.ddb.${region}.${suffix}`
  return `dynamodb${fips && !isFipsByItself(partition, dualstack) ? '-fips' : ''}.${region}.${suffix}`
}

const isFipsByItself = (partition: Partition, dualstack: boolean): boolean =>
  partition.name === 'aws-us-gov' && !dualstack
