import { randomUUID } from 'node:crypto'
import type {
  APIGatewayProxyEventV2,
  APIGatewayProxyEventV2WithIAMAuthorizer,
  Context,
  DynamoDBStreamEvent,
} from 'aws-lambda'
import type { AtomicDbItemKey } from 'lockrow'

/** Events as the services send them, to drive the handlers without the services. */

const ACCOUNT = '111111111111'
const REGION = 'eu-west-1'

/** What Lambda gives beside the event; `remainingMs` counts down as it does there. */
export function lambdaContext(name: string, remainingMs = 10_000): Context {
  const end = performance.now() + remainingMs
  const awsRequestId = randomUUID()
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: name,
    functionVersion: '$LATEST',
    invokedFunctionArn: `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${name}`,
    memoryLimitInMB: '256',
    awsRequestId,
    logGroupName: `/aws/lambda/${name}`,
    logStreamName: `2025/01/01/[$LATEST]${awsRequestId.replaceAll('-', '')}`,
    getRemainingTimeInMillis: () => Math.max(0, Math.round(end - performance.now())),
    done: () => {},
    fail: () => {},
    succeed: () => {},
  }
}

function httpEvent(
  method: 'GET' | 'POST',
  route: string,
  path: string,
  rest: Pick<Partial<APIGatewayProxyEventV2>, 'headers' | 'body' | 'pathParameters'>,
): APIGatewayProxyEventV2 {
  const now = new Date()
  const iam = {
    accessKey: 'AKIAEXAMPLE',
    accountId: ACCOUNT,
    callerId: 'AROAEXAMPLE:shop',
    cognitoIdentity: null,
    principalOrgId: '',
    userArn: `arn:aws:sts::${ACCOUNT}:assumed-role/shop/shop`,
    userId: 'AROAEXAMPLE:shop',
  }
  const event: APIGatewayProxyEventV2WithIAMAuthorizer = {
    version: '2.0',
    routeKey: `${method} ${route}`,
    rawPath: path,
    rawQueryString: '',
    isBase64Encoded: false,
    requestContext: {
      accountId: ACCOUNT,
      apiId: 'api',
      authorizer: { iam },
      domainName: `api.execute-api.${REGION}.amazonaws.com`,
      domainPrefix: 'api',
      http: { method, path, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'example' },
      requestId: randomUUID(),
      routeKey: `${method} ${route}`,
      stage: '$default',
      time: now.toUTCString(),
      timeEpoch: now.getTime(),
    },
    ...rest,
    headers: { host: `api.execute-api.${REGION}.amazonaws.com`, ...rest.headers },
  }
  return event as unknown as APIGatewayProxyEventV2
}

/** POST /orders; a text as `body` is sent as it is. */
export function postOrder(
  body: unknown,
  idempotencyKey: string | undefined = randomUUID(),
): APIGatewayProxyEventV2 {
  return httpEvent('POST', '/orders', '/orders', {
    headers: { 'content-type': 'application/json', 'idempotency-key': idempotencyKey },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

export const getOrder = (id: string): APIGatewayProxyEventV2 =>
  httpEvent('GET', '/orders/{id}', `/orders/${id}`, { pathParameters: { id } })

export const getStock = (product: string): APIGatewayProxyEventV2 =>
  httpEvent('GET', '/stock/{product}', `/stock/${product}`, { pathParameters: { product } })

/** A batch of inserts, keys only, as the event source mapping of `addQueueWorker` lets through. */
export function streamEvent(keys: readonly AtomicDbItemKey[]): DynamoDBStreamEvent {
  return {
    Records: keys.map(({ pk, sk }, i) => ({
      eventID: randomUUID().replaceAll('-', ''),
      eventName: 'INSERT',
      eventVersion: '1.1',
      eventSource: 'aws:dynamodb',
      awsRegion: REGION,
      eventSourceARN: `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/t/stream/2025-01-01T00:00:00.000`,
      dynamodb: {
        ApproximateCreationDateTime: Math.floor(Date.now() / 1000),
        Keys: { pk: { S: pk }, sk: { S: sk } },
        SequenceNumber: String(1000 + i),
        SizeBytes: pk.length + sk.length + 4,
        StreamViewType: 'KEYS_ONLY',
      },
    })),
  }
}

/** What the schedule of `addQueueWorker` sends: a fixed object instead of EventBridge's own. */
export const scheduleEvent = (queue: string): { queue: string } => ({ queue })
