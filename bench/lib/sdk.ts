import { createRequire } from 'node:module'

/**
 * The SDK of the project itself, the very copy that src/dynamo uses: the folder bench has another one below its
 * competitors, and two copies would be two JIT histories.
 */
const fromRoot = createRequire(new URL('../../package.json', import.meta.url))

export const lib = fromRoot(
  '@aws-sdk/lib-dynamodb',
) as typeof import('../../node_modules/@aws-sdk/lib-dynamodb/dist-types/index.d.ts')
export const sdk = fromRoot(
  '@aws-sdk/client-dynamodb',
) as typeof import('../../node_modules/@aws-sdk/client-dynamodb/dist-types/index.d.ts')
export const sdkVersion = (fromRoot('@aws-sdk/client-dynamodb/package.json') as { version: string }).version

export type Client = InstanceType<typeof sdk.DynamoDBClient>
export type DocumentClient = (typeof lib.DynamoDBDocumentClient)['prototype']
type Settings = ConstructorParameters<typeof sdk.DynamoDBClient>[0]

/** A client for DynamoDB Local, or for a request handler of our own. */
export function makeClient(endpoint: string, settings: Settings = {}): Client {
  return new sdk.DynamoDBClient({
    endpoint,
    region: 'local',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    requestHandler: { httpAgent: { keepAlive: true, maxSockets: 256 } },
    ...settings,
  })
}
