import { InvalidInput } from '../errors.ts'

/** Variables by name: `process.env`, or what a test gives. An empty one counts as absent. */
export type Environment = Readonly<Record<string, string | undefined>>

/** A switch of the environment: `true` or `false`, as the AWS tools read it. */
export function switchOf(env: Environment, name: string): boolean {
  const value = env[name]
  if (!value || value === 'false') return false
  if (value === 'true') return true
  throw new InvalidInput(name, "must be 'true' or 'false'")
}
