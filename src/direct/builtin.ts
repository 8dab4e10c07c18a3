/** Before Node 20.16: what `loading` has brought. */
const loaded: Partial<Builtins> = {}

/**
 * A module of Node when it is needed. As an ES module `node:http` has every export read, and that loads what `fetch`
 * needs: 30 to 40 ms on Node 24. Await `loading` before.
 */
export const builtin = <Name extends keyof Builtins>(name: Name): Builtins[Name] =>
  (process.getBuiltinModule?.(name) as Builtins[Name] | undefined) ?? loaded[name]!

/** Brings these modules where `builtin` cannot: Node before 20.16 has them as ES modules alone. */
export function loading(...names: (keyof Builtins)[]): Promise<unknown> | undefined {
  if (process.getBuiltinModule !== undefined) return undefined
  return Promise.all(
    names.map(async (name) => Object.assign(loaded, { [name]: loaded[name] ?? (await import(name)) })),
  )
}

interface Builtins {
  'node:http': typeof import('node:http')
  'node:https': typeof import('node:https')
  'node:net': typeof import('node:net')
  'node:tls': typeof import('node:tls')
  'node:fs/promises': typeof import('node:fs/promises')
}
