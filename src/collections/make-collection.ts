import type { AtomicDbInterface } from '../interface.ts'
import { Collection } from './collection.ts'
import type { AnyOptions } from './definition.ts'
import type { StandardSchema } from './standard-schema.ts'
import type { CollectionOptions, FieldOf, IndexOption, UniqueOption } from './types.ts'

/**
 * A collection of typed items. `schema` is one of zod, valibot, arktype or any other with Standard Schema, or `typed<T>()`.
 *
 * @throws InvalidInput for options that cannot be.
 * @example
 * const users = collection(db, 'users', {
 *   schema: typed<{ id: string; email: string; team: string }>(),
 *   key: 'id',
 *   unique: { email: 'email' },
 *   indexes: { team: { key: 'team' } },
 * })
 * await users.insert({ id: 'ada', email: 'ada@example.com', team: 'red' })
 * const ada = await users.by('email').get('ada@example.com')
 * const { items } = await users.by('team').list({ team: 'red' })
 */
export function collection<
  T = Record<string, unknown>,
  Input = T,
  const K extends FieldOf<T> = FieldOf<T>,
  const I extends Readonly<Record<string, IndexOption<FieldOf<T>>>> = Record<never, never>,
  const U extends Readonly<Record<string, UniqueOption<FieldOf<T>>>> = Record<never, never>,
>(
  db: AtomicDbInterface,
  name: string,
  options: CollectionOptions<StandardSchema<Input, T>, FieldOf<T>, K, I, U>,
): Collection<T, Input, K, I, U> {
  return new Collection(db, name, options as unknown as AnyOptions)
}
