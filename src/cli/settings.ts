import { InvalidArgumentError } from 'commander'
import { Refusal } from './failures.ts'
import type { Io } from './io.ts'

/** Options of every command, as given and from the environment. */
export interface Settings {
  table: string | undefined
  endpoint: string | undefined
  /** `--endpoint` itself, without the environment. */
  givenEndpoint: string | undefined
  region: string | undefined
  json: boolean
  verbose: boolean
  yes: boolean
}

interface Flags {
  table?: string
  endpoint?: string
  region?: string
  json?: boolean
  verbose?: boolean
  yes?: boolean
}

export function settingsOf(flags: Flags, { env }: Io): Settings {
  const endpoint = flags.endpoint ?? (env.AWS_ENDPOINT_URL_DYNAMODB || env.AWS_ENDPOINT_URL || undefined)
  if (endpoint !== undefined && !(/^https?:\/\//.test(endpoint) && URL.canParse(endpoint)))
    throw new Refusal(`the endpoint '${endpoint}' is no address: write it as http://localhost:8000`)
  return {
    table: flags.table ?? (env.LOCKROW_TABLE || undefined),
    endpoint,
    givenEndpoint: flags.endpoint,
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

/** A parser of options that are whole numbers. */
export const whole =
  (least: number, most = Number.MAX_SAFE_INTEGER) =>
  (text: string): number => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
    if (value >= least && value <= most) return value
    const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `${least} to ${most}`
    throw new InvalidArgumentError(`It must be a whole number, ${range}.`)
  }
