import { InvalidInput } from '../errors.ts'
import { SchemaMismatch } from './errors.ts'

/**
 * What every schema library of Standard Schema v1 provides (zod 3.24 and later, valibot 1, arktype 2, ...): its types, and
 * a function that checks a value and returns it, with defaults and transformations.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

/** What a schema says of a value: the value to store, or what is wrong with it. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

/** One thing that is wrong, and where. */
export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** What is given to be written. */
export type InputOf<S extends StandardSchema> = NonNullable<S['~standard']['types']>['input']
/** What is stored and read. */
export type OutputOf<S extends StandardSchema> = NonNullable<S['~standard']['types']>['output']

/**
 * A schema that checks nothing: the types alone.
 *
 * @example
 * const users = collection(db, 'users', { schema: typed<{ id: string; name: string }>(), key: 'id' })
 */
export const typed = <T>(): StandardSchema<T> => ({
  '~standard': { version: 1, vendor: 'lockrow', validate: (value) => ({ value: value as T }) },
})

export function checkSchema(schema: unknown, field: string): void {
  const standard = (schema as Partial<StandardSchema> | null | undefined)?.['~standard']
  if (standard?.version !== 1 || typeof standard.validate !== 'function')
    throw new InvalidInput(
      field,
      'must be a schema of Standard Schema v1, such as one of zod, valibot or arktype',
    )
}

/** The value as the schema returns it. Waits only where the schema does. */
export function validated<Output>(
  schema: StandardSchema<unknown, Output>,
  value: unknown,
  where: string,
): Output | Promise<Output> {
  const result = schema['~standard'].validate(value)
  if (result instanceof Promise) return result.then((settled) => accepted(settled, where))
  return accepted(result, where)
}

function accepted<Output>(result: SchemaResult<Output>, where: string): Output {
  if (result.issues) throw new SchemaMismatch(where, result.issues.map(flat))
  return result.value
}

const flat = ({ message, path = [] }: SchemaIssue) => ({
  message,
  // A list of a kind of its own would stay one.
  path: Array.from(path, (step) => {
    const name = typeof step === 'object' ? step.key : step
    return typeof name === 'number' ? name : String(name)
  }),
})

interface WithFields {
  readonly shape?: Readonly<Record<string, unknown>>
  readonly entries?: Readonly<Record<string, unknown>>
  readonly props?: readonly { readonly key: unknown; readonly value: unknown }[]
}

/** The schemas of the fields, where the library shows them: zod's `shape`, valibot's `entries`, arktype's `props`. */
export function fieldSchemas(
  schema: StandardSchema | undefined,
): ReadonlyMap<string, StandardSchema> | undefined {
  if (!schema) return undefined
  const { vendor } = schema['~standard']
  const { shape, entries, props } = schema as WithFields
  const listed =
    vendor === 'zod' && isRecord(shape)
      ? Object.entries(shape)
      : vendor === 'valibot' && isRecord(entries)
        ? Object.entries(entries)
        : vendor === 'arktype' && Array.isArray(props)
          ? props.map(({ key, value }) => [String(key), value] as const)
          : undefined
  return listed && new Map(listed.map(([name, one]) => [name, one as StandardSchema]))
}

interface WithRest {
  readonly type?: unknown
  /** zod 4. */
  readonly def?: { readonly catchall?: StandardSchema & { readonly type?: unknown } }
  /** valibot. */
  readonly rest?: StandardSchema
}

/** The schema of fields that are not listed, where the schema keeps such: `looseObject`, `catchall`, `objectWithRest`. */
export function restSchema(schema: StandardSchema | undefined): StandardSchema | undefined {
  if (!schema) return undefined
  const { vendor } = schema['~standard']
  const { type, def, rest } = schema as WithRest
  if (vendor === 'zod') return def?.catchall?.type === 'never' ? undefined : def?.catchall
  if (vendor !== 'valibot') return undefined
  return type === 'loose_object' ? typed() : type === 'object_with_rest' ? rest : undefined
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null
