import type { TestProject } from 'vitest/node'
import { startDynamoDBLocal } from '../../src/testing/dynamo-local.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    dynamoEndpoint: string
  }
}

// One server for the whole run: tests keep apart by tables of their own.
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startDynamoDBLocal()
  project.provide('dynamoEndpoint', server.endpoint)
  return () => server.stop()
}
