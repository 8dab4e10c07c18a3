export { type DynamoDBLocal, type DynamoDBLocalOptions, startDynamoDBLocal } from './dynamo-local.ts'
