import type { Socket } from 'node:net'
import { checkFunction, milliseconds, wholeNumber } from '../model/checks.ts'
import { optionsCheck } from '../model/options-check.ts'
import type { Credentials, CredentialsProvider } from './credentials.ts'
import type { DirectRequestEvent } from './events.ts'

/** Options of `directClient`. Times are milliseconds. */
export interface DirectClientOptions {
  /** Such as `eu-west-1`. @default AWS_REGION, then AWS_DEFAULT_REGION */
  region?: string
  /**
   * Where DynamoDB answers. Without TLS only if it says so: `http://localhost:8000`.
   * @default AWS_ENDPOINT_URL_DYNAMODB, then AWS_ENDPOINT_URL, then that of the region or account
   */
  endpoint?: string | URL
  /** @default the environment (in a Lambda function they are there), then the container (ECS, EKS) */
  credentials?: Credentials | CredentialsProvider
  /** The endpoint that meets FIPS 140. @default AWS_USE_FIPS_ENDPOINT */
  useFips?: boolean
  /** The endpoint with IPv6 addresses. @default AWS_USE_DUALSTACK_ENDPOINT */
  useDualstack?: boolean
  /** Maximum number of connections. Further requests wait. @default 50 */
  maxSockets?: number
  /** How long a connection may take, TLS included. @default 3000 */
  connectTimeoutMs?: number
  /** How long the first byte of a reply may take, once the request was sent. @default 5000 */
  firstByteTimeoutMs?: number
  /** How long a request may take as a whole, with the wait for a connection. @default 30000 */
  requestTimeoutMs?: number
  /** After this time without a request a connection is not used again. DynamoDB ends them after a minute. @default 45000 */
  idleTimeoutMs?: number
  /** The largest reply that is read, in bytes. @default 64 MiB */
  maxReplyBytes?: number
  /** Certificates to trust in place of Node's own list, as PEM. */
  ca?: string | Buffer | (string | Buffer)[]
  /** Opens connections in your way, for a proxy: with TLS where `tls` says so, and certificates checked by you. */
  connect?: (to: { host: string; port: number; tls: boolean }) => Socket
  /** Ask for the units of every request, for `onRequest`. @default false */
  consumedCapacity?: boolean
  /** Called after each request, also those that are repeated. What it throws is ignored. */
  onRequest?: (event: DirectRequestEvent) => void
  /** More headers for a request, such as those of a trace. They are sent as they are, and not signed. */
  headers?: (operation: string) => Readonly<Record<string, string>>
  /** The wall clock for signatures, epoch ms. @default Date.now */
  now?: () => number
}

const checkNames = /* @__PURE__ */ optionsCheck<DirectClientOptions>(() => [
  {
    region: true,
    endpoint: true,
    credentials: true,
    useFips: 'boolean',
    useDualstack: 'boolean',
    maxSockets: true,
    connectTimeoutMs: true,
    firstByteTimeoutMs: true,
    requestTimeoutMs: true,
    idleTimeoutMs: true,
    maxReplyBytes: true,
    ca: true,
    connect: true,
    consumedCapacity: 'boolean',
    onRequest: true,
    headers: true,
    now: true,
  },
  {
    maxAttempts: "requests are repeated by the database: its option 'retry'",
    retryMode: "requests are repeated by the database: its option 'retry'",
    requestHandler: "connections have options of their own: 'maxSockets', 'connectTimeoutMs', 'connect'",
    profile: "give 'credentials': fromNodeProviderChain({ profile })",
    agent: "give 'connect', a function that opens a socket",
    useFipsEndpoint: "use 'useFips'",
    useDualstackEndpoint: "use 'useDualstack'",
  },
])

/** What a connection and a reply are bounded by. */
export interface Limits {
  readonly maxSockets: number
  readonly connectTimeoutMs: number
  readonly firstByteTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly idleTimeoutMs: number
  readonly maxReplyBytes: number
}

/** Checks everything but region, endpoint and credentials; those have rules of their own. */
export function checkedLimits(options: DirectClientOptions): Limits {
  checkNames(options)
  for (const name of ['onRequest', 'headers', 'now', 'connect'] as const)
    if (options[name] !== undefined) checkFunction(options[name], name)
  const time = (name: keyof Limits, usual: number) =>
    options[name] === undefined ? usual : milliseconds(options[name], name)
  const count = (name: keyof Limits, usual: number) =>
    options[name] === undefined ? usual : wholeNumber(options[name], name, { min: 1 })
  return {
    maxSockets: count('maxSockets', 50),
    connectTimeoutMs: time('connectTimeoutMs', 3000),
    firstByteTimeoutMs: time('firstByteTimeoutMs', 5000),
    requestTimeoutMs: time('requestTimeoutMs', 30_000),
    idleTimeoutMs: time('idleTimeoutMs', 45_000),
    maxReplyBytes: count('maxReplyBytes', 64 * 2 ** 20),
  }
}
