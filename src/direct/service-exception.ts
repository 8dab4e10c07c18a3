/**
 * A refusal by DynamoDB, as its errors are in the AWS SDK: `name` is the one to go by (`ResourceNotFoundException`), and
 * what the service says beside its text is a field (`Item`, `CancellationReasons`).
 */
export class ServiceException extends Error {
  /** Whose fault it is. */
  readonly $fault: 'client' | 'server'
  readonly $metadata: { readonly httpStatusCode: number; readonly requestId: string | undefined }

  constructor(status: number, requestId: string | undefined, type: string, fields: object, text: string) {
    super(text)
    Object.assign(this, fields)
    Object.defineProperty(this, 'name', { value: type, configurable: true, writable: true })
    this.$fault = status < 500 ? 'client' : 'server'
    this.$metadata = { httpStatusCode: status, requestId }
  }
}

const own = new Set(['__type', 'message', 'Message', 'name', 'stack', 'cause', '__proto__'])

/** The error that a reply describes, if it is one of DynamoDB's. `hide` takes credentials out of its text. */
export function exceptionOf(
  status: number,
  requestId: string | undefined,
  content: unknown,
  hide: (text: string) => string,
): ServiceException | undefined {
  if (typeof content !== 'object' || content === null) return undefined
  const { __type, message, Message, ...rest } = content as Record<string, unknown>
  if (typeof __type !== 'string') return undefined
  const type = __type.slice(__type.lastIndexOf('#') + 1)
  const fields = Object.fromEntries(Object.entries(rest).filter(([name]) => !own.has(name)))
  return new ServiceException(status, requestId, type, fields, hide(String(message ?? Message ?? type)))
}
