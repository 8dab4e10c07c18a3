import aws4 from 'aws4'
import type { Credentials } from './credentials.ts'

/** A request before it is signed. `url` has no query: DynamoDB's requests have none. */
export interface UnsignedRequest {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
}

/** The hash of the body is signed, so its length need not be. */
const unsigned = { 'content-length': true }

/**
 * The headers of a request with its signature (AWS Signature Version 4), as of the moment `at`. The derived key is
 * kept for secret, day and region.
 */
export function signedHeaders(
  { method, url, headers, body }: UnsignedRequest,
  credentials: Credentials,
  region: string,
  at: Date,
  service = 'dynamodb',
): Record<string, string> {
  const request = {
    service,
    region,
    method,
    host: url.host,
    path: url.pathname,
    headers: { ...headers, 'Content-Length': String(Buffer.byteLength(body)), 'X-Amz-Date': basicFormat(at) },
    body: body as string | Buffer,
    extraHeadersToIgnore: unsigned,
  }
  return aws4.sign(request, credentials).headers as Record<string, string>
}

let lastSecond = Number.NaN
let lastText = ''

/** ISO 8601 without separators and milliseconds: `20261121T093000Z`. */
function basicFormat(at: Date): string {
  const second = Math.floor(at.getTime() / 1000)
  if (second !== lastSecond) {
    lastText = at.toISOString().replace(/[:-]|\.\d+/g, '')
    lastSecond = second
  }
  return lastText
}
