import type { DynamoDBLocal } from '../../testing/dynamo-local.ts'
import { Refusal } from '../failures.ts'
import type { Io } from '../io.ts'

export interface DevServer {
  endpoint: string
  port: number
  table: string
  stop(): Promise<void>
}

/** DynamoDB Local with the table. `port` 0: any that is free. */
export async function startDev(
  { port, table }: { port: number; table: string },
  io: Pick<Io, 'signal'>,
): Promise<DevServer> {
  const [{ startDynamoDBLocal }, { createTable }, { DynamoDBClient }] = await Promise.all([
    import('../../testing/dynamo-local.ts'),
    import('../../dynamo/table.ts'),
    import('@aws-sdk/client-dynamodb'),
  ])
  let server: DynamoDBLocal
  try {
    server = await startDynamoDBLocal({ port: port === 0 ? undefined : port, signal: io.signal })
  } catch (error) {
    if (io.signal.aborted) throw error
    const { code, message } = error as { code?: string; message: string }
    throw new Refusal(
      code === 'EADDRINUSE'
        ? `port ${port} is in use: give another with --port (0: any that is free)`
        : message,
      { cause: error },
    )
  }
  const client = new DynamoDBClient({
    endpoint: server.endpoint,
    region: 'local',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  })
  try {
    await createTable(client, table)
  } catch (error) {
    await server.stop()
    throw error
  } finally {
    client.destroy()
  }
  return { endpoint: server.endpoint, port: server.port, table, stop: () => server.stop() }
}
