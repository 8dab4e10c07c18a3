import { AtomicDynamoDB } from '../../../src/dynamo/index.ts'
import { localClient } from '../../setup/local.ts'

/** What the thread makes its client with; the place of the table comes in the environment. */
export default function makeDb() {
  return new AtomicDynamoDB(localClient(process.env.ENDPOINT!), process.env.TABLE!)
}
