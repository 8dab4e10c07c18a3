import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const fromBench = createRequire(new URL('../package.json', import.meta.url))

/** What a competitor gives, typed by the few members that a benchmark calls: its own types may not be installed. */
export async function peer<T>(name: string): Promise<T> {
  const module = (await import(pathToFileURL(resolved(name)).href)) as { default?: T } & T
  return module
}

/** The same by `require`, for packages that are CommonJS. */
export const required = <T>(name: string): T => fromBench(name) as T

function resolved(name: string): string {
  return fromBench.resolve(name)
}

export function versionOf(name: string): string {
  try {
    const file = new URL(`../node_modules/${name}/package.json`, import.meta.url)
    return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
  } catch {
    return 'not installed'
  }
}

/** Runs the setup of a competitor; one that cannot run here becomes a note instead of a row. */
export async function optional<T>(
  name: string,
  notes: string[],
  setup: () => Promise<T> | T,
): Promise<T | undefined> {
  try {
    return await setup()
  } catch (error) {
    const message = error instanceof Error ? error.message.split('\n')[0]! : String(error)
    notes.push(`${name} ${versionOf(name)} could not run here: ${message.replaceAll(/\/[^\s']*\//g, '.../')}`)
    return undefined
  }
}
