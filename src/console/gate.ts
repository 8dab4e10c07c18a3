/** Who may ask: every request passes here, that for the page too. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { ConsoleSettings } from './options.ts'

/** The header that the page sends with each request: with the token, or with any text where there is none. */
export const tokenHeader = 'x-lockrow-console'

const loopback = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i

/** Why a request is refused. */
export interface Refused {
  status: 401 | 403 | 415
  message: string
}

/** A page with another name that leads here (DNS rebinding) comes with that name. */
const isKnownHost = (host: string | undefined, { hosts }: ConsoleSettings): boolean =>
  host !== undefined &&
  (hosts === undefined ? loopback.test(host) : hosts.some((one) => one.toLowerCase() === host.toLowerCase()))

/** Of the same time for every guess. */
function isToken(given: string | undefined, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given ?? ''), digest(token))
}

const hostOf = (origin: string): string | undefined => {
  if (!URL.canParse(origin)) return undefined
  const { host } = new URL(origin)
  return host === '' ? undefined : host
}

/**
 * Refuses another `Host`, another `Origin`, and what a page of another site started. What calls something (`isCall`)
 * needs the token as well, in a header that no form and no link can send.
 */
export async function refusal(
  request: Request,
  settings: ConsoleSettings,
  isCall: boolean,
): Promise<Refused | undefined> {
  const { headers } = request
  const host = headers.get('host') ?? new URL(request.url).host
  if (!isKnownHost(host, settings))
    return { status: 403, message: `this console does not answer to the host '${host.slice(0, 100)}'` }
  const origin = headers.get('origin')
  if (origin !== null && hostOf(origin)?.toLowerCase() !== host.toLowerCase())
    return { status: 403, message: 'this console does not answer to pages of other origins' }
  if (settings.authorize && !(await settings.authorize(request)))
    return { status: 401, message: 'you are not logged in, or may not see this console' }
  return isCall ? refusedCall(headers, settings) : undefined
}

function refusedCall(headers: Headers, { token }: ConsoleSettings): Refused | undefined {
  const site = headers.get('sec-fetch-site')
  if (site !== null && site !== 'same-origin')
    return { status: 403, message: 'this console does not answer to other sites' }
  const given = headers.get(tokenHeader)
  if (given === null || (token !== undefined && !isToken(given, token)))
    return { status: 401, message: 'the token is missing or wrong: open the link that the console printed' }
  if (!/^application\/json(;|$)/i.test(headers.get('content-type') ?? ''))
    return { status: 415, message: 'the body must be JSON' }
  return undefined
}
