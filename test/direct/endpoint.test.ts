import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { type EndpointOptions, resolveEndpoint } from '../../src/direct/endpoint.ts'
import { InvalidInput } from '../../src/index.ts'

const names = [
  'AWS_REGION',
  'AWS_DEFAULT_REGION',
  'AWS_ENDPOINT_URL',
  'AWS_ENDPOINT_URL_DYNAMODB',
  'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS',
  'AWS_USE_FIPS_ENDPOINT',
  'AWS_USE_DUALSTACK_ENDPOINT',
  'AWS_ACCOUNT_ID_ENDPOINT_MODE',
  'AWS_PROFILE',
]

afterEach(() => vi.unstubAllEnvs())

/** Where the SDK's own client sends a request, or that it refuses: with the whole of its configuration at work. */
async function askedBySdk({ env = {}, ...options }: EndpointOptions): Promise<string> {
  for (const name of names) vi.stubEnv(name, env[name])
  vi.stubEnv('AWS_CONFIG_FILE', '/dev/null')
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null')
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  const { region, endpoint, useFips, useDualstack, accountId } = options
  const keys = { accessKeyId: 'a', secretAccessKey: 'b' }
  let asked = 'refused'
  const handle = async (request: { protocol: string; hostname: string; port?: number; path: string }) => {
    const { protocol, hostname, port, path } = request
    asked = `${protocol}//${hostname}${port ? `:${port}` : ''}${path}`
    throw new Error('seen')
  }
  try {
    const client = new DynamoDBClient({
      credentials: accountId ? { ...keys, accountId } : keys,
      maxAttempts: 1,
      requestHandler: { handle, destroy() {} } as never,
      ...(region === undefined ? {} : { region }),
      ...(endpoint === undefined ? {} : { endpoint: String(endpoint) }),
      ...(useFips === undefined ? {} : { useFipsEndpoint: useFips }),
      ...(useDualstack === undefined ? {} : { useDualstackEndpoint: useDualstack }),
    })
    await client.send(new ListTablesCommand({})).catch(() => {})
    client.destroy()
  } catch {
    // Refused in the constructor.
  }
  return asked
}

function askedByUs(options: EndpointOptions): string {
  try {
    return resolveEndpoint({ env: {}, ...options }).url.href
  } catch (error) {
    if (error instanceof InvalidInput) return 'refused'
    throw error
  }
}

const regions = [
  'us-east-1',
  'eu-west-1',
  'ap-southeast-7',
  'mx-central-1',
  'cn-north-1',
  'cn-northwest-1',
  'us-gov-east-1',
  'us-gov-west-1',
  'us-iso-east-1',
  'us-isob-east-1',
  'eu-isoe-west-1',
  'us-isof-south-1',
  'eusc-de-east-1',
  'xx-nowhere-9',
  'aws-global',
  'aws-cn-global',
  'local',
]
const accounts = [undefined, '123456789012']
const switches = [{}, { useFips: true }, { useDualstack: true }, { useFips: true, useDualstack: true }]
const modes = [undefined, 'preferred', 'required', 'disabled']

describe('resolveEndpoint asks the same host as the SDK', () => {
  const client = new DynamoDBClient({ region: 'us-east-1' })
  afterAll(() => client.destroy())

  /** By the SDK's own rules for endpoints. */
  const ruledBySdk = (
    { region, accountId, useFips = false, useDualstack = false }: EndpointOptions,
    mode?: string,
  ) => {
    try {
      const parameters = {
        Region: region,
        UseFIPS: useFips,
        UseDualStack: useDualstack,
        AccountId: accountId,
      }
      return client.config.endpointProvider({
        ...parameters,
        AccountIdEndpointMode: mode ?? 'preferred',
      } as never).url.href
    } catch {
      return 'refused'
    }
  }

  it.each(regions)('in the region %s, with and without FIPS, IPv6, an account and a mode', (region) => {
    for (const accountId of accounts)
      for (const flags of switches)
        for (const mode of modes) {
          const options = { region, accountId, ...flags, env: { AWS_ACCOUNT_ID_ENDPOINT_MODE: mode } }
          expect(askedByUs(options), JSON.stringify(options)).toBe(ruledBySdk(options, mode))
        }
  })

  const urls = {
    AWS_ENDPOINT_URL: 'http://general:1000',
    AWS_ENDPOINT_URL_DYNAMODB: 'http://special:2000/path',
  }
  const region = 'eu-west-1'
  const cases: readonly EndpointOptions[] = [
    { env: { AWS_REGION: 'eu-west-1' } },
    { region: 'us-east-2', env: { AWS_REGION: 'eu-west-1' } },
    { env: {} },
    { region, endpoint: 'http://localhost:8000' },
    { region, endpoint: 'http://localhost:8000', accountId: '123456789012' },
    { region, endpoint: 'https://[::1]:8443' },
    { region, endpoint: 'https://proxy.example.com/dynamo', env: urls },
    { region, endpoint: 'http://localhost:8000', useFips: true },
    { region, endpoint: 'http://localhost:8000', useDualstack: true },
    { region: 'local', endpoint: 'http://localhost:8001' },
    { region, env: urls },
    { region, env: { AWS_ENDPOINT_URL: urls.AWS_ENDPOINT_URL } },
    { region, env: { ...urls, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' } },
    { region, env: { ...urls, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'false' } },
    { region, endpoint: 'http://given:3000', env: { AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' } },
    { region, env: { AWS_USE_FIPS_ENDPOINT: 'true' } },
    { region, env: { AWS_USE_DUALSTACK_ENDPOINT: 'true' } },
    {
      region,
      useFips: false,
      useDualstack: false,
      env: { AWS_USE_FIPS_ENDPOINT: 'true', AWS_USE_DUALSTACK_ENDPOINT: 'true' },
    },
    { region: 'fips-us-east-1' },
    { region: 'us-gov-west-1-fips', accountId: '123456789012' },
    { region, accountId: '123456789012' },
    { region, accountId: '123456789012', env: { AWS_ACCOUNT_ID_ENDPOINT_MODE: 'disabled' } },
    { region, env: { AWS_ACCOUNT_ID_ENDPOINT_MODE: 'required' } },
  ]
  it.each(cases)('with %j', async (options) => {
    expect(askedByUs(options)).toBe(await askedBySdk(options))
  })
})

describe('resolveEndpoint', () => {
  it('does not demand an account before anybody has asked for credentials', () => {
    const env = { AWS_ACCOUNT_ID_ENDPOINT_MODE: 'required' }
    const { url } = resolveEndpoint({ region: 'eu-west-1', accountId: null, env })
    expect(url.host).toBe('dynamodb.eu-west-1.amazonaws.com')
  })

  it('names the region that requests are signed for', () => {
    const regionOf = (options: EndpointOptions) => resolveEndpoint({ env: {}, ...options }).region
    expect(regionOf({ region: 'cn-north-1' })).toBe('cn-north-1')
    expect(regionOf({ region: 'us-gov-west-1-fips' })).toBe('us-gov-west-1')
    expect(regionOf({ region: 'local' })).toBe('us-east-1')
    expect(regionOf({ region: 'eu-west-1', endpoint: new URL('http://localhost:8000') })).toBe('eu-west-1')
    expect(regionOf({ env: { AWS_REGION: '', AWS_DEFAULT_REGION: 'eu-north-1' } })).toBe('eu-north-1')
    expect(regionOf({ env: { AWS_REGION: 'us-east-1', AWS_DEFAULT_REGION: 'eu-north-1' } })).toBe('us-east-1')
  })

  const region = 'eu-west-1'
  it.each<[string, EndpointOptions, RegExp]>([
    ['no region', {}, /^region: is missing: give .*AWS_REGION/],
    [
      'a region with a host in it',
      { region: 'x.evil.com/' },
      /^region: must be the name of a region, such as 'eu-west-1', got/,
    ],
    ['a region in capitals', { region: 'EU-WEST-1' }, /^region: must be the name/],
    ['a region that is no text', { region: 7 as never }, /^region: .*got number/],
    [
      'an endpoint without a scheme',
      { region, endpoint: 'localhost:8000' },
      /^endpoint: must be a URL with its scheme: 'https/,
    ],
    ['an endpoint with another scheme', { region, endpoint: 'ftp://localhost' }, /^endpoint: must be a URL/],
    ['an endpoint that is no URL', { region, endpoint: 'https://' }, /^endpoint: must be a URL/],
    ['an empty endpoint', { region, endpoint: '' }, /^endpoint: must be a URL/],
    [
      'an endpoint with a query',
      { region, endpoint: 'http://localhost/?a=b' },
      /^endpoint: must not have a query/,
    ],
    [
      'an endpoint of AWS without TLS',
      { region, endpoint: 'http://dynamodb.eu-west-1.amazonaws.com' },
      /^endpoint: .*use https:/,
    ],
    [
      'an endpoint of AWS in China without TLS',
      { region, endpoint: 'http://dynamodb.cn-north-1.amazonaws.com.cn' },
      /use https:/,
    ],
    [
      'a variable without a scheme',
      { region, env: { AWS_ENDPOINT_URL: 'dynamo:8000' } },
      /^AWS_ENDPOINT_URL: must be a URL/,
    ],
    [
      'a variable that is no switch',
      { region, env: { AWS_USE_FIPS_ENDPOINT: '1' } },
      /^AWS_USE_FIPS_ENDPOINT: must be 'true' or 'false'/,
    ],
    [
      'a variable that is no mode',
      { region, env: { AWS_ACCOUNT_ID_ENDPOINT_MODE: 'always' } },
      /^AWS_ACCOUNT_ID_ENDPOINT_MODE: must be 'preferred', 'required' or 'disabled'/,
    ],
    [
      'FIPS at an endpoint',
      { region, endpoint: 'http://localhost:1', useFips: true },
      /^endpoint: .*leave out useFips/,
    ],
    [
      'an account that is not known',
      { region, env: { AWS_ACCOUNT_ID_ENDPOINT_MODE: 'required' } },
      /the credentials have no accountId/,
    ],
    [
      'an account where there are none',
      { region: 'us-iso-east-1', accountId: '1', env: { AWS_ACCOUNT_ID_ENDPOINT_MODE: 'required' } },
      /no such endpoint here/,
    ],
  ])('refuses %s, and says what to set', (_, options, message) => {
    const resolve = () => resolveEndpoint({ env: {}, ...options })
    expect(resolve).toThrow(InvalidInput)
    expect(resolve).toThrow(message)
  })

  it('never shows the password of an endpoint', () => {
    for (const endpoint of ['https://me:secret@host/', 'me:secret@host:8000', 'ftp://me:secret@host'])
      expect(() => resolveEndpoint({ region, endpoint, env: {} })).toThrow(/^endpoint: (?!.*secret)/)
  })

  it('takes plain HTTP from whoever writes it', () => {
    const { url } = resolveEndpoint({ region, endpoint: 'http://dynamodb-local:8000', env: {} })
    expect(url.href).toBe('http://dynamodb-local:8000/')
  })
})
