import { randomBytes } from 'node:crypto'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { Refusal } from '../failures.ts'

/** A console that listens. */
export interface ConsoleServer {
  port: number
  /** With the token in its fragment, which no server and no log ever sees. */
  link: string
  stop(): Promise<void>
}

export const newToken = (): string => randomBytes(24).toString('base64url')

/** Listens on the loopback interface only. `port` 0: any that is free. */
export async function startServer(
  handler: (request: Request) => Promise<Response>,
  { port, token }: { port: number; token: string },
): Promise<ConsoleServer> {
  const hostname = '127.0.0.1'
  const server = serve({ fetch: handler, hostname, port, autoCleanupIncoming: true }) as Server
  await new Promise<void>((resolve, reject) => {
    server.once('listening', resolve)
    server.once('error', (error: NodeJS.ErrnoException) => reject(refused(error, port)))
  })
  const bound = (server.address() as AddressInfo).port
  return {
    port: bound,
    link: `http://${hostname}:${bound}/#token=${token}`,
    stop: () => stopped(server),
  }
}

function refused(error: NodeJS.ErrnoException, port: number): Error {
  if (error.code === 'EADDRINUSE')
    return new Refusal(`port ${port} is in use: give another with --port (0: any that is free)`, {
      cause: error,
    })
  if (error.code === 'EACCES')
    return new Refusal(`port ${port} is not allowed: give one above 1023 with --port`, { cause: error })
  return error
}

/** Pages keep their connections open: they are closed with it. */
function stopped(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}
