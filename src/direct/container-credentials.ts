import { BackendError } from '../errors.ts'
import { StorageFault } from '../storage.ts'
import { builtin, loading } from './builtin.ts'
import { checkedCredentials } from './checked-credentials.ts'
import { type Answer, getText } from './container-request.ts'
import type { Credentials } from './credentials.ts'
import type { Environment } from './environment.ts'

const relativeUri = 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'
const fullUri = 'AWS_CONTAINER_CREDENTIALS_FULL_URI'
const tokenFile = 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'
const token = 'AWS_CONTAINER_AUTHORIZATION_TOKEN'

/** Where ECS answers for relative addresses. */
const ecs = 'http://169.254.170.2'
/** Who may be asked without TLS: this machine, ECS and the agent of EKS. */
const trusted = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\]|169\.254\.170\.2|169\.254\.170\.23|\[fd00:ec2::23\])$/

/** The credentials of the container (ECS, EKS), if the environment names an endpoint for them. */
export async function containerCredentials(
  env: Environment,
  relativeTo = ecs,
): Promise<Credentials | undefined> {
  const url = containerUrl(env, relativeTo)
  if (!url) return undefined
  const authorization = await authorizationOf(env)
  return parsed(await getText(url, authorization === undefined ? {} : { authorization }))
}

/** Where the environment says that the container's credentials are. */
export function containerUrl(env: Environment, relativeTo = ecs): URL | undefined {
  const relative = env[relativeUri]
  if (relative) {
    if (!relative.startsWith('/'))
      throw new BackendError(`${relativeUri}: must be a path that begins with '/'`)
    return new URL(relativeTo + relative)
  }
  const full = env[fullUri]
  if (!full) return undefined
  if (!URL.canParse(full)) throw new BackendError(`${fullUri}: must be a URL`)
  const url = new URL(full)
  if (url.protocol === 'https:' || (url.protocol === 'http:' && trusted.test(url.hostname))) return url
  throw new BackendError(
    `${fullUri}: must be https, or http to this machine, 169.254.170.2, 169.254.170.23 or [fd00:ec2::23]`,
  )
}

/** The token is read anew each time: its file changes. */
async function authorizationOf(env: Environment): Promise<string | undefined> {
  const file = env[tokenFile]
  const text = (file ? await textOf(file) : env[token])?.trim()
  if (!text) return undefined
  if (!/^[\x20-\x7e]+$/.test(text))
    throw new BackendError(
      `${file ? tokenFile : token}: contains a line break or another character that no token has`,
    )
  return text
}

async function textOf(file: string): Promise<string> {
  await loading('node:fs/promises')
  const { readFile } = builtin('node:fs/promises')
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new BackendError(`${tokenFile}: cannot be read (${(cause as { code?: string }).code})`, { cause })
  }
}

function parsed({ status, type, text }: Answer): Credentials {
  const body = objectIn(text)
  if (status >= 500 || status === 429)
    throw new StorageFault('unreachable', `the container's credentials: HTTP ${status}`)
  if (status !== 200)
    throw new BackendError(
      `the container's credentials were refused (HTTP ${status}${codeIn(body)}): check the role of the task or pod, and its authorization token`,
    )
  if (!body)
    throw new BackendError(
      `the container's credentials: the answer is ${type || 'not JSON'}, not credentials: check ${fullUri}`,
    )
  return checkedCredentials(
    renamed(body),
    (field, problem) => new BackendError(`the container's credentials: ${names[field]} ${problem}`),
  )
}

const names: Readonly<Record<string, string>> = {
  '.accessKeyId': 'AccessKeyId',
  '.secretAccessKey': 'SecretAccessKey',
  '.sessionToken': 'Token',
  '.expiration': 'Expiration',
  '.accountId': 'AccountId',
}

const renamed = (body: Record<string, unknown>) => ({
  accessKeyId: body.AccessKeyId,
  secretAccessKey: body.SecretAccessKey,
  sessionToken: body.Token,
  expiration: body.Expiration ? new Date(body.Expiration as string) : undefined,
  accountId: body.AccountId,
})

/** Not with the error of the parser, which quotes the text. */
function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** The code of an error, if it is no more than a word. */
const codeIn = (body: Record<string, unknown> | undefined): string => {
  const code = body?.Code ?? body?.code
  return typeof code === 'string' && /^\w{1,40}$/.test(code) ? `, ${code}` : ''
}
