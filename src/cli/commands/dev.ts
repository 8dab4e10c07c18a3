import { once } from 'node:events'
import type { Command } from 'commander'
import type { DynamoDBLocal } from '../../testing/dynamo-local.ts'
import { Refusal } from '../failures.ts'
import { fieldsOf } from '../format.ts'
import { action, type Host, type Io, type Session, whole } from '../session.ts'

const usualPort = 8000

interface DevServer {
  endpoint: string
  port: number
  table: string
  stop(): Promise<void>
}

/** DynamoDB Local with the table. `port` 0: any that is free. */
async function startDev(
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

async function dev(session: Session, { port }: { port?: number }): Promise<undefined> {
  const { io, settings } = session
  if (settings.givenEndpoint !== undefined)
    throw new Refusal(
      "dev starts a server of its own: for one that runs, use 'lockrow table create --endpoint'",
    )
  if (io.env.DYNAMODB_ENDPOINT && port !== undefined)
    throw new Refusal(
      `DYNAMODB_ENDPOINT names a server that runs (${io.env.DYNAMODB_ENDPOINT}): leave out --port`,
    )
  const server = await startDev({ port: port ?? usualPort, table: settings.table ?? 'lockrow' }, io)
  const { endpoint, table } = server
  const variables = {
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
    LOCKROW_TABLE: table,
    AWS_REGION: 'local',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  }
  session.print({
    records: [{ endpoint, port: server.port, table }],
    lines: [
      ...fieldsOf([
        ['endpoint', endpoint],
        ['table', table],
      ]),
      '',
      'For other terminals and your program:',
      `export ${Object.entries(variables)
        .map(([name, value]) => `${name}=${value}`)
        .join(' ')}`,
      '',
      'In memory: what is written is gone when Ctrl-C stops it.',
    ],
  })
  // The server does not keep the process alive.
  const alive = setInterval(() => {}, 60_000)
  if (!io.signal.aborted) await once(io.signal, 'abort')
  clearInterval(alive)
  await server.stop()
  if (!settings.json) io.stderr.write('stopped\n')
}

export function addDev(program: Command, host: Host): void {
  program
    .command('dev')
    .description('start DynamoDB Local with the table (default: lockrow), until Ctrl-C')
    .option('--port <n>', `port to listen on; 0: any that is free (default: ${usualPort})`, whole(0, 65_535))
    .action(action(host, dev))
}
