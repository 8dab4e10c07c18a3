/** Answers DynamoDB requests inside the process, at once, so that nothing but the client's own work is measured. */
import { makeClient } from './sdk.ts'

interface Request {
  headers: Record<string, string>
  body?: unknown
}
interface Reply {
  statusCode: number
  headers: Record<string, string>
  body: unknown
}
interface Handler {
  handle(request: Request, options?: unknown): Promise<{ response: Reply }>
}

/** The operation of a request: `GetItem`, ... */
export const operationOf = (request: Request): string =>
  (request.headers['x-amz-target'] ?? '').replace(/^.*\./, '')

export const textOf = (body: unknown): string =>
  body instanceof Uint8Array ? Buffer.from(body).toString() : String(body ?? '')

export class Replay implements Handler {
  /** Where replies come from while recording; afterwards the last one of each operation is given again. */
  readonly #real: Handler
  readonly #replies = new Map<string, Reply & { body: Uint8Array }>()
  recording = true
  /** What was sent last, by operation. */
  readonly sent = new Map<string, string>()

  constructor(endpoint: string) {
    this.#real = makeClient(endpoint).config.requestHandler as unknown as Handler
  }

  async handle(request: Request, options?: unknown): Promise<{ response: Reply }> {
    const operation = operationOf(request)
    if (!this.recording) {
      const { statusCode, headers, body } = this.#replies.get(operation)!
      return { response: { statusCode, headers, body } }
    }
    this.sent.set(operation, textOf(request.body))
    const { response } = await this.#real.handle(request, options)
    const chunks: Uint8Array[] = []
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) chunks.push(chunk)
    const body = new Uint8Array(Buffer.concat(chunks))
    this.#replies.set(operation, { statusCode: response.statusCode, headers: response.headers, body })
    return { response: { ...response, body } }
  }

  metadata = { handlerProtocol: 'http/1.1' }
  updateHttpClientConfig(): void {}
  httpHandlerConfigs(): object {
    return {}
  }
  destroy(): void {}
}
