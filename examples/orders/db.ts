import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { AtomicDbInterface } from 'lockrow'
import { AtomicDynamoDB } from 'lockrow/dynamo'
import { tableName } from './table-name.ts'

/**
 * A client for one Lambda process: made once, outside of the handler, so that its connections are kept between
 * invocations. After a freeze they may be dead: a request on one fails or times out at once and the SDK sends it again.
 * Region, credentials and AWS_ENDPOINT_URL_DYNAMODB (DynamoDB Local) are read by the SDK.
 */
export function openClient(): DynamoDBClient {
  return new DynamoDBClient({
    maxAttempts: 3,
    requestHandler: {
      connectionTimeout: 1000,
      requestTimeout: 3000,
      // Without it the SDK only warns, and a dead socket would hold the invocation to its end.
      throwOnRequestTimeout: true,
      httpsAgent: { keepAlive: true, maxSockets: 50 },
      httpAgent: { keepAlive: true, maxSockets: 50 },
    },
  })
}

/** The database of one Lambda process. */
export const openDb = (): AtomicDbInterface => new AtomicDynamoDB(openClient(), tableName())
