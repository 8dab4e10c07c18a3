import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { DescribeTableCommand } from '@aws-sdk/client-dynamodb'
import { afterEach, describe, expect, inject, test, vi } from 'vitest'
import { startDynamoDBLocal } from '../../src/testing/dynamo-local.ts'
import { dropTable, freshTable, localClient } from '../setup/local.ts'

const isUp = (endpoint: string) => fetch(endpoint).then(Boolean, () => false)

afterEach(() => {
  vi.unstubAllEnvs()
})

test('the server of this run answers', async () => {
  const client = localClient(inject('dynamoEndpoint'))
  const table = await freshTable(client)
  const { Table } = await client.send(new DescribeTableCommand({ TableName: table }))
  expect(Table?.TableStatus).toBe('ACTIVE')
  await dropTable(client, table)
  await dropTable(client, table)
})

test('a server given by DYNAMODB_ENDPOINT is used and left running', async () => {
  const endpoint = inject('dynamoEndpoint')
  vi.stubEnv('DYNAMODB_ENDPOINT', endpoint)
  const server = await startDynamoDBLocal()
  expect(server).toMatchObject({ endpoint, port: Number(new URL(endpoint).port) })
  await server.stop()
  expect(await isUp(endpoint)).toBe(true)
})

test('an endpoint where nobody answers is an error within the time given', async () => {
  vi.stubEnv('DYNAMODB_ENDPOINT', 'http://127.0.0.1:9')
  await expect(startDynamoDBLocal({ timeoutMs: 200 })).rejects.toThrow('did not answer')
})

test('without Java and without an endpoint the error names both ways out', async () => {
  vi.stubEnv('DYNAMODB_ENDPOINT', undefined)
  vi.stubEnv('PATH', '')
  const error = await startDynamoDBLocal().catch((e: Error) => e)
  expect(error).toBeInstanceOf(Error)
  expect((error as Error).message).toMatch(/openjdk-17-jre-headless.*DYNAMODB_ENDPOINT/)
})

// whoever tests against a server of their own may have no Java
describe.skipIf(process.env.DYNAMODB_ENDPOINT)('the JVM ends', () => {
  test('on stop, which may be called twice', async () => {
    const server = await startDynamoDBLocal()
    expect(await isUp(server.endpoint)).toBe(true)
    await Promise.all([server.stop(), server.stop()])
    expect(await isUp(server.endpoint)).toBe(false)
  })

  test('on abort, also while it is starting', async () => {
    await expect(startDynamoDBLocal({ signal: AbortSignal.timeout(300) })).rejects.toThrow('timeout')
  })

  // SIGKILL leaves the process no chance to clean up
  test.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)('when our process gets %s', async (signal) => {
    const script = fileURLToPath(new URL('./start-and-wait.ts', import.meta.url))
    const child = spawn(process.execPath, ['--import', 'tsx', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = await once(child.stdout, 'data')
    const endpoint = String(line).trim()
    expect(await isUp(endpoint)).toBe(true)

    child.kill(signal)
    await once(child, 'exit')
    await vi.waitFor(async () => expect(await isUp(endpoint)).toBe(false), { timeout: 5_000 })
  })
})
