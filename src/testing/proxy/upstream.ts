import { Agent, request as httpRequest } from 'node:http'
import type { ProxyReply } from './replies.ts'
import type { ProxyRequest } from './request.ts'

/** The database behind the proxy. */
export class Upstream {
  readonly #target: URL
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 })

  constructor(target: string) {
    this.#target = new URL(target)
    if (this.#target.protocol !== 'http:') throw new TypeError(`target: must be http, got ${target}`)
  }

  forward({ headers, body }: ProxyRequest): Promise<ProxyReply> {
    const { hostname, port } = this.#target
    const { connection: _, 'transfer-encoding': __, ...given } = headers
    return new Promise((resolve, reject) => {
      const sent = httpRequest(
        {
          host: hostname,
          port,
          method: 'POST',
          path: '/',
          agent: this.#agent,
          headers: { ...given, 'content-length': String(body.length) },
        },
        (answer) => {
          const chunks: Buffer[] = []
          answer.on('data', (chunk: Buffer) => chunks.push(chunk))
          answer.once('error', reject)
          answer.once('end', () => {
            const { connection: _, 'keep-alive': __, 'transfer-encoding': ___, ...kept } = answer.headers
            resolve({ status: answer.statusCode ?? 0, headers: kept, body: Buffer.concat(chunks) })
          })
        },
      )
      sent.once('error', reject)
      // As text it goes out in one piece with the headers.
      sent.end(body.toString('latin1'), 'latin1')
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}
