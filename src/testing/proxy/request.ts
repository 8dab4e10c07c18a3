import type { IncomingHttpHeaders } from 'node:http'
import type { AtomicDbItemKey } from '../../interface.ts'

type Attributes = Record<string, { S?: string }>

interface Part {
  Key?: Attributes
  Item?: Attributes
  ConditionExpression?: string
}

/** The parts of a request's body that tell which rows it is about. */
interface Content extends Part {
  TransactItems?: Record<string, Part>[]
  RequestItems?: Record<string, { PutRequest?: Part; DeleteRequest?: Part }[] | { Keys?: Attributes[] }>
}

const writes = new Set(['PutItem', 'UpdateItem', 'DeleteItem', 'BatchWriteItem', 'TransactWriteItems'])
const tokenField = /"ClientRequestToken":"((?:[^"\\]|\\.)*)"/

/** A request as it came in. */
export class ProxyRequest {
  /** `PutItem`, `Query`, `TransactWriteItems`, ... */
  readonly action: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  #content: Content | undefined
  #rows: AtomicDbItemKey[] | undefined

  constructor(headers: IncomingHttpHeaders, body: Buffer) {
    this.action =
      String(headers['x-amz-target'] ?? '')
        .split('.')
        .at(-1) ?? ''
    this.headers = headers
    this.body = body
  }

  get isWrite(): boolean {
    return writes.has(this.action)
  }

  /** The `ClientRequestToken` of a TransactWriteItems. */
  get token(): string | undefined {
    return this.action === 'TransactWriteItems' ? tokenField.exec(this.body.toString())?.[1] : undefined
  }

  /** The body as it was parsed. Not to be changed. */
  get content(): Content {
    this.#content ??= JSON.parse(this.body.toString() || '{}') as Content
    return this.#content
  }

  /** The rows that it reads or writes by key; none for a query. */
  get rows(): readonly AtomicDbItemKey[] {
    this.#rows ??= this.#parts().flatMap(({ Key, Item }) => {
      const { pk, sk } = Key ?? Item ?? {}
      return pk?.S === undefined || sk?.S === undefined ? [] : [{ pk: pk.S, sk: sk.S }]
    })
    return this.#rows
  }

  /** Delivered twice it does what it does once. */
  get isRepeatable(): boolean {
    if (this.action === 'BatchWriteItem') return true
    if (this.action === 'TransactWriteItems') return this.token !== undefined
    return (
      (this.action === 'PutItem' || this.action === 'DeleteItem') &&
      this.content.ConditionExpression === undefined
    )
  }

  #parts(): Part[] {
    const { content } = this
    if (content.TransactItems) return content.TransactItems.flatMap((one) => Object.values(one))
    if (!content.RequestItems) return [content]
    return Object.values(content.RequestItems).flatMap((list) =>
      Array.isArray(list)
        ? list.map((one) => one.PutRequest ?? one.DeleteRequest ?? {})
        : (list.Keys ?? []).map((Key) => ({ Key })),
    )
  }

  /** The same request with another token. */
  underToken(token: string): ProxyRequest {
    const text = this.body
      .toString()
      .replace(tokenField, () => `"ClientRequestToken":${JSON.stringify(token)}`)
    return new ProxyRequest(this.headers, Buffer.from(text))
  }

  /** The first `count` parts of a batch, and the rest in the form in which DynamoDB gives it back. */
  split(count: number): { first: ProxyRequest; rest: object } | undefined {
    const [table, requests] = Object.entries(this.content.RequestItems ?? {})[0] ?? []
    if (table === undefined || requests === undefined) return undefined
    const part = (from: number, to?: number) => ({
      [table]: Array.isArray(requests)
        ? requests.slice(from, to)
        : { ...requests, Keys: requests.Keys?.slice(from, to) },
    })
    const body = JSON.stringify({ ...this.content, RequestItems: part(0, count) })
    return { first: new ProxyRequest(this.headers, Buffer.from(body)), rest: part(count) }
  }
}
