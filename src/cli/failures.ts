import { AtomicDbError, OutcomeUnknown, PartialWrite } from '../errors.ts'

export const exitCodes = { ok: 0, negative: 1, refused: 2, stopped: 130 } as const

/** The call or its surroundings are wrong; the message is one line that says what to do. */
export class Refusal extends Error {}

/** Ctrl-C before there was anything to tell. */
export class Stopped extends Error {}

/** Long work that an error ended half way. */
export class Unfinished extends Error {}

/** Where a command goes, for messages. */
export interface Target {
  table: string | undefined
  /** An endpoint, or 'region eu-west-1'. */
  where: string
  /** The option that named it, where it is no table of DynamoDB. */
  store?: string | undefined
}

const oneLine = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
    .join(' ')

/** The first error in a chain of causes that satisfies the test. */
function cause(error: unknown, test: (error: Error) => boolean): Error | undefined {
  for (let one = error; one instanceof Error; one = one.cause) if (test(one)) return one
  return undefined
}

const named =
  (...names: string[]) =>
  (error: Error) =>
    names.includes(error.name)
const coded =
  (...codes: string[]) =>
  (error: Error) =>
    codes.includes((error as { code?: string }).code ?? '')

const noConnection = coded(
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
)

/** Whether nobody was there to answer the request, as far as the SDK tells. */
export const isUnanswered = (error: unknown): boolean =>
  error instanceof Error && (error.name === 'TimeoutError' || noConnection(error))

interface Answered {
  $metadata?: { httpStatusCode?: number }
}

/** HTML, or an error without a name: some other server. */
const isForeign = (error: Error): boolean =>
  error.message.includes('Deserialization error') ||
  (/^Unknown(Error)?$/.test(error.name) && ((error as Answered).$metadata?.httpStatusCode ?? 500) < 500)

/** Whether what was sent may have arrived all the same. Another kind of server has applied nothing. */
export const inDoubt = (error: unknown): boolean =>
  cause(error, (one) => one.name === 'TimeoutError' || one instanceof OutcomeUnknown) !== undefined &&
  cause(error, isForeign) === undefined

/** One line of what went wrong and what to do about it. */
export function explain(error: unknown, target: Target): string {
  if (!(error instanceof Error)) return oneLine(String(error))
  if (error instanceof Unfinished) return oneLine(`${error.message}: ${explain(error.cause, target)}`)
  const refusal = cause(error, (one) => one instanceof Refusal)
  if (refusal) return oneLine(refusal.message)

  if (cause(error, named('ResourceNotFoundException')))
    return `there is no table '${target.table}' at ${target.where}: make it with 'lockrow table create', or check --table, --region and --endpoint`
  if (cause(error, named('CredentialsProviderError')))
    return 'no AWS credentials: log in, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'
  const refused = cause(
    error,
    named('UnrecognizedClientException', 'ExpiredTokenException', 'InvalidSignatureException'),
  )
  if (refused) return oneLine(`the AWS credentials do not count (${refused.message}): log in again`)
  const denied = cause(error, named('AccessDeniedException'))
  if (denied) return oneLine(`not allowed: ${denied.message}`)
  const missing = cause(error, coded('ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'))
  if (missing?.message.includes('@aws-sdk/'))
    return 'the AWS SDK is missing: npm install @aws-sdk/client-dynamodb'
  if (cause(error, (one) => one.message === 'Region is missing'))
    return 'no region: give --region, or set AWS_REGION, or name a local server with --endpoint'

  if (cause(error, isUnanswered))
    return `no answer from ${target.where}: does it run? check ${target.store ? `--${target.store}` : '--endpoint, --region'} and the network`
  if (cause(error, isForeign)) return `what answers at ${target.where} is not DynamoDB: check --endpoint`
  const invalid = cause(error, named('ValidationException'))
  if (invalid) return oneLine(invalid.message)
  if (error instanceof PartialWrite && error.cause instanceof Error) return explain(error.cause, target)
  if (error instanceof AtomicDbError) return oneLine(error.message)
  return oneLine(`${error.message || error.name} (--verbose tells more)`)
}
