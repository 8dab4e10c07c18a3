import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import { HttpError } from './http.ts'
import type { OrderRequest } from './shop.ts'

const MAX_BODY = 10_000
const bad = (message: string): never => {
  throw new HttpError(400, 'BadRequest', message)
}

/** The account that signed the request; none where the route has no IAM authorizer. */
export function accountOf(event: APIGatewayProxyEventV2): string {
  const context = event.requestContext as { authorizer?: { iam?: { accountId?: string } } }
  return context.authorizer?.iam?.accountId ?? ''
}

/** HTTP APIs give all header names in lower case. */
export function idempotencyKeyOf(event: APIGatewayProxyEventV2): string {
  const key = event.headers['idempotency-key'] ?? ''
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) bad('Idempotency-Key: 1 to 255 visible ASCII characters are needed')
  return key
}

export function isProduct(value: unknown): value is string {
  return typeof value === 'string' && /^[\w.-]{1,64}$/.test(value)
}

export const isOrderId = (value: unknown): value is string =>
  typeof value === 'string' && /^[0-9a-f]{32}$/.test(value)

/** The order in the body. Messages say which field is wrong, and nothing of what was in it. */
export function orderOf(event: APIGatewayProxyEventV2): OrderRequest {
  const text = event.isBase64Encoded ? Buffer.from(event.body ?? '', 'base64').toString() : (event.body ?? '')
  if (text.length > MAX_BODY) bad(`body: at most ${MAX_BODY} characters`)
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    bad('body: is not JSON')
  }
  if (typeof body !== 'object' || body === null) bad('body: must be an object')
  const { product, quantity, customer } = body as Partial<Record<keyof OrderRequest, unknown>>
  if (!isProduct(product)) return bad('product: 1 to 64 letters, digits, dots, dashes or underscores')
  if (!Number.isSafeInteger(quantity) || (quantity as number) < 1 || (quantity as number) > 1000)
    bad('quantity: a whole number from 1 to 1000')
  if (typeof customer !== 'string' || !/^.{1,128}$/su.test(customer) || !customer.isWellFormed())
    return bad('customer: a text of 1 to 128 characters')
  return { product, quantity: quantity as number, customer }
}
