import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { DynamoDBClient, DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import { isUnanswered } from './failures.ts'
import type { Io } from './io.ts'
import { isLocal, type Settings } from './settings.ts'

const connectionMs = 1000
const replyMs = 4000
/** So many in a row, and there is nobody; one that is silent costs the most time. */
const refusals = 3
const silences = 2
const metadataMs = 1000

export interface Connection {
  client: DynamoDBClient
  /** Fires when nobody answered several times in a row: no call need go on trying. */
  gone: AbortSignal
}

export const whereOf = (settings: Settings): string =>
  settings.endpoint ?? `region ${settings.region ?? '(default)'}`

/** Opens a client that fails soon: short waits for connections, no tries of its own beside the library's. */
export async function connect(settings: Settings, io: Io): Promise<Connection> {
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
  if (local && !io.env.AWS_ACCESS_KEY_ID)
    config.credentials = { accessKeyId: 'local', secretAccessKey: 'local' }

  const client = new DynamoDBClient(config)
  try {
    await client.config.region()
    await credentialsOf(client, io)
  } catch (error) {
    client.destroy()
    throw error
  }
  return { client, gone: watch(client) }
}

/** Resolved once before all else, or the library would take their absence for a failing request. */
async function credentialsOf(client: DynamoDBClient, { env }: Io): Promise<void> {
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

function hasSource(env: Io['env']): boolean {
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
