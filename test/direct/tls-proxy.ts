import type { AddressInfo, Socket } from 'node:net'
import { connect } from 'node:net'
import { createServer } from 'node:tls'
import { selfSigned } from './certificate.ts'

/** TLS in front of a server without it, with a certificate of its own. */
export interface TlsProxy {
  endpoint: string
  /** The certificate to trust. */
  ca: string
  stop(): Promise<void>
}

export async function tlsProxy(target: string): Promise<TlsProxy> {
  const { key, cert } = selfSigned('127.0.0.1')
  const { hostname, port } = new URL(target)
  const open = new Set<Socket>()
  const server = createServer({ key, cert }, (near) => {
    const far = connect(Number(port), hostname)
    open.add(near).add(far)
    near.pipe(far).pipe(near)
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        open.delete(socket)
        other.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ca: cert,
    async stop() {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
