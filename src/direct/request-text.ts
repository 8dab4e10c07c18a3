import { InvalidInput } from '../errors.ts'

type Headers = Readonly<Record<string, string>>

/** A whole request as it goes over the wire. `headers` are ours; `more` is the caller's, and replaces none of them. */
export function requestText(path: string, headers: Headers, more: Headers | undefined, body: string): string {
  let text = `POST ${path} HTTP/1.1\r\n`
  for (const name in headers) text += `${name}: ${headers[name]}\r\n`
  if (more !== undefined) text += moreLines(headers, more)
  return `${text}\r\n${body}`
}

/** The body of a request: DynamoDB's own JSON. */
export function requestBody(input: object, more?: object): string {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw new InvalidInput('input', "must be an object: what the operation takes, in DynamoDB's own JSON")
  try {
    return JSON.stringify(more ? { ...more, ...input } : input)
  } catch {
    throw new InvalidInput('input', "must be JSON: numbers as { N: '1' }, without bigint, and no circle")
  }
}

const nameForm = /^[!#$%&'*+.^_`|~\w-]+$/
/** Visible ASCII, blanks and tabs: a line break would begin another header. */
const valueForm = /^[\t\x20-\x7e]*$/
/** They say where a request ends, or whom it is for. */
const reserved = ['connection', 'transfer-encoding', 'te', 'trailer', 'upgrade', 'expect', 'accept-encoding']

/** No text, list or promise, and no `Headers` or `Map`, whose entries are not its fields. */
const isPlain = (more: unknown): boolean =>
  typeof more === 'object' &&
  more !== null &&
  [Object.prototype, null].includes(Object.getPrototypeOf(more) as object)

function moreLines(headers: Headers, more: Headers): string {
  const taken = new Set([...reserved, ...Object.keys(headers).map((name) => name.toLowerCase())])
  let lines = ''
  if (!isPlain(more)) throw new InvalidInput('headers', 'must give an object of names and texts')
  for (const [name, value] of Object.entries(more)) {
    if (!nameForm.test(name) || taken.has(name.toLowerCase()))
      throw new InvalidInput('headers', `cannot have ${JSON.stringify(name.slice(0, 60))}`)
    if (typeof value !== 'string' || !valueForm.test(value))
      throw new InvalidInput(`headers.${name}`, 'must be a text of ASCII in one line')
    lines += `${name}: ${value}\r\n`
  }
  return lines
}
