/** Which table on which server, and the client that reaches it. */
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { DynamoDBClient, DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import { isUnanswered, Refusal } from './failures.ts'
import { chosenStore, type StoreName } from './stores/kinds.ts'

export type Env = Readonly<Record<string, string | undefined>>

/** Options of every command, as given and from the environment. */
export interface Settings {
  table: string | undefined
  endpoint: string | undefined
  /** `--endpoint` itself, without the environment. */
  givenEndpoint: string | undefined
  region: string | undefined
  /** Another database in the place of a table of DynamoDB. */
  store: ReturnType<typeof chosenStore>
  json: boolean
  verbose: boolean
  yes: boolean
}

interface Flags extends Partial<Record<StoreName, string>> {
  table?: string
  endpoint?: string
  region?: string
  json?: boolean
  verbose?: boolean
  yes?: boolean
}

export function settingsOf(flags: Flags, env: Env): Settings {
  const endpoint = flags.endpoint ?? (env.AWS_ENDPOINT_URL_DYNAMODB || env.AWS_ENDPOINT_URL || undefined)
  if (endpoint !== undefined && !(/^https?:\/\//.test(endpoint) && URL.canParse(endpoint)))
    throw new Refusal(`the endpoint '${endpoint}' is not an address: write it as http://localhost:8000`)
  return {
    table: flags.table ?? (env.LOCKROW_TABLE || undefined),
    endpoint,
    givenEndpoint: flags.endpoint,
    store: chosenStore(flags, env),
    region: flags.region ?? (env.AWS_REGION || env.AWS_DEFAULT_REGION || undefined),
    json: flags.json ?? false,
    verbose: flags.verbose ?? false,
    yes: flags.yes ?? false,
  }
}

export function isLocal(endpoint: string): boolean {
  const { hostname } = new URL(endpoint)
  return /^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[::1\])$/.test(hostname)
}

const connectionMs = 1000
const replyMs = 4000
/** This many failures in a row mean that no server is there; a silent one costs the most time. */
const refusals = 3
const silences = 2
const metadataMs = 1000

export interface Connection {
  client: DynamoDBClient
  /** Fires when nobody answered several times in a row: no call need go on trying. */
  gone: AbortSignal
}

export const whereOf = (settings: Settings): string =>
  settings.store?.where ?? settings.endpoint ?? `region ${settings.region ?? '(default)'}`

/** A client that fails soon, and what tells that nobody answers it any more. */
export async function connect(settings: Settings, env: Env): Promise<Connection> {
  const client = await openClient(settings, env)
  return { client, gone: watch(client) }
}

/** Opens a client that fails soon: short waits for connections, no tries of its own beside the library's. */
export async function openClient(settings: Settings, env: Env): Promise<DynamoDBClient> {
  const { DynamoDBClient } = await import('@aws-sdk/client-dynamodb')
  const { endpoint, region } = settings
  const local = endpoint !== undefined && isLocal(endpoint)
  const config: DynamoDBClientConfig = {
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: connectionMs,
      requestTimeout: replyMs,
      throwOnRequestTimeout: true,
    },
  }
  if (endpoint) config.endpoint = endpoint
  if (region ?? local) config.region = region ?? 'local'
  // A server of this machine takes any: nothing is looked up for it.
  if (local && !env.AWS_ACCESS_KEY_ID) config.credentials = { accessKeyId: 'local', secretAccessKey: 'local' }

  const client = new DynamoDBClient(config)
  try {
    await client.config.region()
    await credentialsOf(client, env)
  } catch (error) {
    client.destroy()
    throw error
  }
  return client
}

/** Resolved once before all else, or the library would take their absence for a failing request. */
async function credentialsOf(client: DynamoDBClient, env: Env): Promise<void> {
  const found = client.config.credentials()
  if (hasSource(env)) return void (await found)
  // Only the metadata service of a machine at AWS is left, which answers within milliseconds or not at all.
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const error = Object.assign(new Error('no answer'), { name: 'CredentialsProviderError' })
    timer = setTimeout(() => reject(error), metadataMs)
  })
  await Promise.race([found, late]).finally(() => clearTimeout(timer))
}

function hasSource(env: Env): boolean {
  const variables = [
    'AWS_ACCESS_KEY_ID',
    'AWS_PROFILE',
    'AWS_WEB_IDENTITY_TOKEN_FILE',
    'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
    'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  ]
  const files = [
    env.AWS_SHARED_CREDENTIALS_FILE || join(homedir(), '.aws/credentials'),
    env.AWS_CONFIG_FILE || join(homedir(), '.aws/config'),
  ]
  return variables.some((name) => env[name]) || files.some((file) => existsSync(file))
}

function watch(client: DynamoDBClient): AbortSignal {
  const gone = new AbortController()
  let failures = 0
  client.middlewareStack.add(
    (next) => async (args) => {
      try {
        const reply = await next(args)
        failures = 0
        return reply
      } catch (error) {
        failures = isUnanswered(error) ? failures + 1 : 0
        const silent = error instanceof Error && error.name === 'TimeoutError'
        if (failures >= (silent ? silences : refusals)) gone.abort(error)
        throw error
      }
    },
    { step: 'deserialize', priority: 'low', name: 'lockrowGone' },
  )
  return gone.signal
}
