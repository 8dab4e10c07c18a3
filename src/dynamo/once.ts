/**
 * The SDK sends a request again when its reply was lost. For a write that must not happen twice the library wants
 * to find out first, so such errors are wrapped, inside the SDK's retry, in one that the SDK does not know.
 */
class Sealed extends Error {
  readonly original: unknown
  constructor(original: unknown) {
    super('not to be sent again')
    this.original = original
  }
}

const throttled = new Set([
  'ProvisionedThroughputExceededException',
  'ThrottlingException',
  'RequestLimitExceeded',
])

interface Sealable {
  middlewareStack: {
    add(
      middleware: never,
      options: { step: 'deserialize'; priority: 'high'; name: string; override: true },
    ): void
  }
}

type Next = (args: unknown) => Promise<unknown>

const sealing = (next: Next) => async (args: unknown) => {
  try {
    return await next(args)
  } catch (error) {
    // Throttled: certainly not applied, so the SDK may wait and send it again.
    if (error instanceof Error && throttled.has(error.name)) throw error
    throw new Sealed(error)
  }
}

export function seal<C>(command: C): C {
  ;(command as Sealable).middlewareStack.add(sealing as never, {
    step: 'deserialize',
    priority: 'high',
    name: 'lockrowOnce',
    override: true,
  })
  return command
}

export const unseal = (error: unknown): unknown => (error instanceof Sealed ? error.original : error)

/** Never absent: without options, a client with `cacheMiddleware` would reuse the chain of an unsealed command. */
export const sealedOptions = (signal: AbortSignal | undefined): { abortSignal?: AbortSignal } =>
  signal ? { abortSignal: signal } : {}
