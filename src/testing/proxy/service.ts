import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { ProxyRequest } from './request.ts'

const signatureLifeMs = 5 * 60_000
const tokenLifeMs = 10 * 60_000

/** The moment of signing, epoch ms; undefined where there is none. */
function signedAt(headers: IncomingHttpHeaders): number | undefined {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(String(headers['x-amz-date'])) ?? []
  return year === undefined ? undefined : Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
}

/** What the service does by its clock, and DynamoDB Local does by another one or not at all. */
export class ServiceRules {
  readonly #now: () => number
  /** When each token was used first, in that order. */
  readonly #tokens = new Map<string, number>()

  constructor(now: () => number) {
    this.#now = now
  }

  /** The value of the header `Date`. */
  get date(): string {
    return new Date(this.#now()).toUTCString()
  }

  /** Signatures count for five minutes, by the service's clock, either way. */
  isExpired({ headers }: ProxyRequest): boolean {
    const at = signedAt(headers)
    return at !== undefined && Math.abs(this.#now() - at) > signatureLifeMs
  }

  /** Tokens count for ten minutes from their first use: the target gets another one for each such time. */
  withToken(request: ProxyRequest): ProxyRequest {
    const { token } = request
    if (token === undefined) return request
    const now = this.#now()
    for (const [old, first] of this.#tokens) {
      if (now - first <= tokenLifeMs) break
      this.#tokens.delete(old)
    }
    const first = this.#tokens.get(token) ?? now
    this.#tokens.set(token, first)
    const name = createHash('sha256').update(`${token} ${first}`).digest('hex').slice(0, 36)
    return request.underToken(name)
  }
}
