/**
 * The database in a DynamoDB table, without the AWS SDK.
 *
 * @module lockrow/direct
 */

export { type DirectClient, directClient } from './client.ts'
export type { Credentials, CredentialsProvider } from './credentials.ts'
export * from './database.ts'
export type { DirectRequestEvent } from './events.ts'
export type { DirectClientOptions } from './options.ts'
export { ServiceException } from './service-exception.ts'
export * from './table.ts'
