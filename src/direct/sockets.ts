import type { Socket } from 'node:net'
import { InvalidInput } from '../errors.ts'
import { builtin } from './builtin.ts'
import type { DirectClientOptions } from './options.ts'

/** Opens a socket to where requests go. */
export type OpenSocket = () => Socket

/** Without TLS only for an endpoint that says so. Nothing is opened here. Await `loading('node:net', 'node:tls')` before. */
export function socketsTo(
  { protocol, hostname, port: given }: URL,
  { connect, ca }: Pick<DirectClientOptions, 'connect' | 'ca'>,
): OpenSocket {
  const tls = protocol === 'https:'
  const port = Number(given) || (tls ? 443 : 80)
  // An address of IPv6 has brackets in a URL alone.
  const host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
  if (connect) return () => connect({ host, port, tls })
  const open = tls ? secureSockets(host, port, ca) : plainSockets(host, port)
  return () => kept(open())
}

function kept(socket: Socket): Socket {
  socket.setNoDelay(true)
  socket.setKeepAlive(true, 1000)
  return socket
}

function plainSockets(host: string, port: number): OpenSocket {
  const net = builtin('node:net')
  return () => net.connect({ host, port })
}

/** The next handshake with the same server is shorter: it goes on with the session of an earlier one. */
function secureSockets(host: string, port: number, ca: DirectClientOptions['ca']): OpenSocket {
  const tls = builtin('node:tls')
  const { isIP } = builtin('node:net')
  const trusting = (ca: NonNullable<DirectClientOptions['ca']>) => {
    try {
      return tls.createSecureContext({ ca })
    } catch {
      throw new InvalidInput('ca', 'must be certificates as PEM')
    }
  }
  const fixed = {
    host,
    port,
    ALPNProtocols: ['http/1.1'],
    ...(isIP(host) ? {} : { servername: host }),
    ...(ca === undefined ? {} : { secureContext: trusting(ca) }),
  }
  let session: Buffer | undefined
  return () => {
    const socket = tls.connect(session ? { ...fixed, session } : fixed)
    socket.on('session', (latest) => {
      session = latest
    })
    socket.once('error', () => {
      session = undefined
    })
    return socket
  }
}
