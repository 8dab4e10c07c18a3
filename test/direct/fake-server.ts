import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type ServerOptions } from 'node:https'
import { type AddressInfo, createServer as createNetServer, type Server, type Socket } from 'node:net'
import zlib from 'node:zlib'
import { crc32ByTable } from '../../src/direct/crc32.ts'

/** A request that came in. */
export interface Received {
  operation: string
  headers: IncomingHttpHeaders
  body: string
}

/** A server on this machine that answers as a test says. */
export interface FakeServer {
  endpoint: string
  port: number
  /** Connections so far. */
  connections: Set<Socket>
  received: Received[]
  stop(): Promise<void>
}

type Answer = (response: ServerResponse, received: Received, nth: number) => unknown

async function listening(server: Server, protocol: string): Promise<Pick<FakeServer, 'endpoint' | 'port'>> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { port, endpoint: `${protocol}://127.0.0.1:${port}` }
}

const stopping = (server: Server, connections: Set<Socket>) => async () => {
  for (const socket of connections) socket.destroy()
  if (server.listening) await new Promise((resolve) => server.close(resolve))
}

/** Answers requests of HTTP, or of HTTPS with a certificate. */
export async function fakeServer(answer: Answer, tls?: ServerOptions): Promise<FakeServer> {
  const received: Received[] = []
  const connections = new Set<Socket>()
  const server = (tls ? createTlsServer(tls) : createServer()) as ReturnType<typeof createServer>
  server.keepAliveTimeout = 0
  server.on('connection', (socket) => connections.add(socket))
  server.on('request', async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const operation = String(request.headers['x-amz-target']).split('.')[1] ?? ''
    const one = { operation, headers: request.headers, body: Buffer.concat(chunks).toString() }
    received.push(one)
    answer(response, one, received.length - 1)
  })
  const { endpoint, port } = await listening(server, tls ? 'https' : 'http')
  return { endpoint, port, connections, received, stop: stopping(server, connections) }
}

/** Hands over sockets as they come. */
export async function rawServer(serve: (socket: Socket) => void): Promise<FakeServer> {
  const connections = new Set<Socket>()
  const server = createNetServer((socket) => {
    connections.add(socket)
    socket.on('error', () => {})
    serve(socket)
  })
  const { endpoint, port } = await listening(server, 'http')
  return { endpoint, port, connections, received: [], stop: stopping(server, connections) }
}

export const crc = (data: Buffer): number => (zlib.crc32 ? zlib.crc32(data) : crc32ByTable(data))

/** A reply as DynamoDB gives it. */
export function reply(response: ServerResponse, status: number, content: unknown, more: object = {}): void {
  const body = Buffer.from(typeof content === 'string' ? content : JSON.stringify(content))
  response.writeHead(status, {
    'content-type': 'application/x-amz-json-1.0',
    'content-length': body.length,
    'x-amzn-requestid': 'REQUEST',
    'x-amz-crc32': crc(body),
    ...more,
  })
  response.end(body)
}

export const refuse = (
  response: ServerResponse,
  status: number,
  type: string,
  message: string,
  more: object = {},
) => reply(response, status, { __type: `com.amazonaws.dynamodb.v20120810#${type}`, message }, more)

/** Long enough to be taken for real ones. */
export const secrets = {
  accessKeyId: 'AKIDTESTTESTTESTTEST',
  secretAccessKey: 'secret/test/secret/test/secret/test/1234',
  sessionToken: 'token/test/token/test/token/test/token',
}
