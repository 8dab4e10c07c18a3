import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Credentials } from '../../src/direct/credentials.ts'
import { signedHeaders } from '../../src/direct/sign.ts'

// Names and values of the public test suite of Signature Version 4 in the documentation of AWS.
const example: Credentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
}
const sts =
  'AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=='
const moment = new Date('2015-08-30T12:36:00Z')

interface Vector {
  name: string
  method: string
  url?: string
  headers?: Record<string, string>
  body?: string
  token?: string
  signed: string
  signature: string
}

const vectors: readonly Vector[] = [
  {
    name: 'get-vanilla',
    method: 'GET',
    signed: 'host;x-amz-date',
    signature: '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
  },
  {
    name: 'get-unreserved',
    method: 'GET',
    url: 'https://example.amazonaws.com/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz',
    signed: 'host;x-amz-date',
    signature: '07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f',
  },
  {
    name: 'get-header-value-trim',
    method: 'GET',
    headers: { 'My-Header1': ' value1', 'My-Header2': ' "a   b   c"' },
    signed: 'host;my-header1;my-header2;x-amz-date',
    signature: 'acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736',
  },
  {
    name: 'post-vanilla',
    method: 'POST',
    signed: 'host;x-amz-date',
    signature: '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
  },
  {
    name: 'post-header-key-sort',
    method: 'POST',
    headers: { 'My-Header1': 'value1' },
    signed: 'host;my-header1;x-amz-date',
    signature: 'c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c',
  },
  {
    name: 'post-header-value-case',
    method: 'POST',
    headers: { 'My-Header1': 'VALUE1' },
    signed: 'host;my-header1;x-amz-date',
    signature: 'cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d',
  },
  {
    name: 'post-x-www-form-urlencoded',
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: 'Param1=value1',
    signed: 'content-type;host;x-amz-date',
    signature: 'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
  },
  {
    name: 'post-x-www-form-urlencoded-parameters',
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded; charset=utf8' },
    body: 'Param1=value1',
    signed: 'content-type;host;x-amz-date',
    signature: '1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe',
  },
  {
    name: 'post-sts-header-before',
    method: 'POST',
    token: sts,
    signed: 'host;x-amz-date;x-amz-security-token',
    signature: '85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead',
  },
]

describe('signedHeaders', () => {
  it.each(vectors)(
    'signs as the public vector $name',
    ({ method, url, headers, body, token, signed, signature }) => {
      const request = {
        method,
        url: new URL(url ?? 'https://example.amazonaws.com/'),
        headers: headers ?? {},
        body: body ?? '',
      }
      const credentials = token === undefined ? example : { ...example, sessionToken: token }
      const made = signedHeaders(request, credentials, 'us-east-1', moment, 'service')
      expect(made.Authorization).toBe(
        `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=${signed}, Signature=${signature}`,
      )
      expect(made['X-Amz-Date']).toBe('20150830T123600Z')
      expect(made['X-Amz-Security-Token']).toBe(token)
    },
  )

  const any = fc.record({
    secret: fc.string({ minLength: 1, unit: fc.constantFrom(...'aZ09+/=') }),
    token: fc.option(fc.string({ minLength: 1, unit: fc.constantFrom(...'aZ09+/=') }), { nil: undefined }),
    region: fc.constantFrom('us-east-1', 'eu-west-1', 'cn-north-1'),
    host: fc.constantFrom(
      'https://dynamodb.eu-west-1.amazonaws.com',
      'http://localhost:8000',
      'http://[::1]:8000',
    ),
    path: fc.constantFrom('/', '/prefix', '/a/b%20c/', '/%C3%A4'),
    operation: fc.constantFrom('GetItem', 'TransactWriteItems'),
    text: fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.constant('"ä€𝄞"')),
    asBytes: fc.boolean(),
    at: fc.date({ min: new Date('2000-01-01'), max: new Date('2099-12-31'), noInvalidDate: true }),
  })

  it('signs every request as the SDK does, texts of any characters and bytes alike', async () => {
    await fc.assert(
      fc.asyncProperty(any, async ({ secret, token, region, host, path, operation, text, asBytes, at }) => {
        const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: secret, sessionToken: token }
        const url = new URL(path, host)
        const headers = {
          'content-type': 'application/x-amz-json-1.0',
          'x-amz-target': `DynamoDB_20120810.${operation}`,
        }
        const body = asBytes ? Buffer.from(text, 'utf8') : text
        const made = signedHeaders({ method: 'POST', url, headers, body }, given(credentials), region, at)
        const sdk = await signedBySdk({ credentials, region, url, headers, body, at })
        expect(made.Authorization).toBe(sdk.authorization)
        expect(made['Content-Length']).toBe(String(Buffer.byteLength(text, 'utf8')))
        expect(made.Host).toBe(url.host)
      }),
      { numRuns: 200 },
    )
  })

  it('keeps apart what is signed with different keys on one day, and on different days with one key', () => {
    const request = { method: 'POST', url: new URL('https://example.com/'), headers: {}, body: '{}' }
    const signature = (secretAccessKey: string, region: string, at: string) =>
      signedHeaders(request, { accessKeyId: 'A', secretAccessKey }, region, new Date(at)).Authorization
    const made = [
      signature('one', 'us-east-1', '2026-11-21T23:59:59.999Z'),
      signature('two', 'us-east-1', '2026-11-21T23:59:59.999Z'),
      signature('one', 'us-east-2', '2026-11-21T23:59:59.999Z'),
      signature('one', 'us-east-1', '2026-11-22T00:00:00.000Z'),
    ]
    expect(new Set(made).size).toBe(4)
    expect(signature('one', 'us-east-1', '2026-11-21T23:59:59.000Z')).toBe(made[0])
  })

  it('changes neither the headers given nor the credentials', () => {
    const headers = Object.freeze({ 'content-type': 'application/x-amz-json-1.0' })
    const credentials = Object.freeze({ ...example, sessionToken: 'token' })
    const request = { method: 'POST', url: new URL('https://example.com/'), headers, body: '{}' }
    expect(signedHeaders(request, credentials, 'us-east-1', moment)).toMatchObject(headers)
  })
})

const given = ({ sessionToken, ...keys }: Credentials & { sessionToken: string | undefined }): Credentials =>
  sessionToken === undefined ? keys : { ...keys, sessionToken }

interface SdkRequest {
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken: string | undefined }
  region: string
  url: URL
  headers: Record<string, string>
  body: string | Uint8Array
  at: Date
}

/** By the signer that the SDK's own client makes. */
async function signedBySdk({ credentials, region, url, headers, body, at }: SdkRequest) {
  const client = new DynamoDBClient({ region, credentials: given(credentials as never) })
  try {
    const signer = await client.config.signer({} as never)
    const request = {
      method: 'POST',
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      query: {},
      headers: { ...headers, host: url.host },
      body,
    }
    const options = { signingDate: at, signingService: 'dynamodb', signingRegion: region }
    const unsignableHeaders = new Set(['x-amz-content-sha256'])
    const signed = await signer.sign(request as never, { ...options, unsignableHeaders } as never)
    return signed.headers as Record<string, string>
  } finally {
    client.destroy()
  }
}
