import type { ClientRequest, IncomingMessage } from 'node:http'
import { StorageFault } from '../storage.ts'
import { builtin, loading } from './builtin.ts'

/** An answer as a whole. */
export interface Answer {
  readonly status: number
  /** The media type, without its parameters. */
  readonly type: string
  readonly text: string
}

/** How long a link-local endpoint may take, ms. */
const patienceMs = 3000
const maxBytes = 64 * 1024

/** One GET on a connection of its own. Redirects are not followed. Every failure is a fault that can be repeated. */
export async function getText(url: URL, headers: Readonly<Record<string, string>>): Promise<Answer> {
  const name = url.protocol === 'https:' ? 'node:https' : 'node:http'
  await loading(name)
  const { get } = builtin(name)
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      clearTimeout(timer)
      const { code, message } = error as { code?: string; message?: string }
      const reason = `the container's credentials at ${url.host}: ${code ?? message}`
      reject(new StorageFault('unreachable', reason, error))
    }
    const request: ClientRequest = get(url, {
      headers: { accept: 'application/json', ...headers },
      agent: false,
    })
    const timer = setTimeout(
      () => request.destroy(new Error(`no answer within ${patienceMs / 1000} s`)),
      patienceMs,
    )
    request.on('error', fail)
    request.on('response', (response) => {
      whole(response).then((text) => {
        clearTimeout(timer)
        resolve({ status: response.statusCode ?? 0, type: typeOf(response), text })
      }, fail)
    })
  })
}

async function whole(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBytes) throw new Error(`more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

const typeOf = (response: IncomingMessage): string =>
  (response.headers['content-type'] ?? '').split(';', 1)[0]!.trim().slice(0, 40)
