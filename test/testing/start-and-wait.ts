// Run by dynamo-local.test.ts as a process that can be killed.
import { startDynamoDBLocal } from '../../src/testing/dynamo-local.ts'

startDynamoDBLocal().then(({ endpoint }) => {
  console.log(endpoint)
  setInterval(() => {}, 60_000)
})
