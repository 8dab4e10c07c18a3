/**
 * The database in a DynamoDB table, by a client of the AWS SDK.
 *
 * @module lockrow/dynamo
 */

export * from './database.ts'
export type { SdkClient } from './no-sdk-retry.ts'
