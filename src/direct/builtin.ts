/**
 * A module of Node when it is needed. As an ES module `node:http` has every export read, and that loads what `fetch`
 * needs: 30 to 40 ms on Node 24. Node before 20.16 has no other way.
 */
export async function builtin<Name extends keyof Builtins>(name: Name): Promise<Builtins[Name]> {
  return process.getBuiltinModule?.(name) ?? ((await import(name)) as Builtins[Name])
}

interface Builtins {
  'node:http': typeof import('node:http')
  'node:https': typeof import('node:https')
  'node:net': typeof import('node:net')
  'node:tls': typeof import('node:tls')
  'node:zlib': typeof import('node:zlib')
  'node:fs/promises': typeof import('node:fs/promises')
}
