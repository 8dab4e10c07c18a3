import { InvalidInput } from '../errors.ts'

/** Partitions of the library's own beside those of indexes: `users##state`. */
export const ownPartitions = ['refs', 'deleted', 'state']

/** Names are parts of keys: without `#`, and without what would be escaped. */
export function checkName(name: unknown, field: string): string {
  if (typeof name !== 'string' || !/^[\w.-]{1,64}$/.test(name))
    throw new InvalidInput(field, 'must be 1 to 64 letters, digits, _, - or .', {
      given: typeof name === 'string' ? name.slice(0, 80) : typeof name,
    })
  return name
}

/** The name of a field of items. */
export function checkField(field: unknown, where: string): string {
  if (typeof field !== 'string' || field === '')
    throw new InvalidInput(where, 'must be the name of a field', { given: typeof field })
  if (field.startsWith('$'))
    throw new InvalidInput(where, "names that begin with '$' are the library's own", { given: field })
  return field
}

/** One name, or a list of different ones. */
export function checkFields(fields: unknown, where: string): string[] {
  const list = typeof fields === 'string' ? [fields] : fields
  if (!Array.isArray(list)) throw new InvalidInput(where, 'must be the name of a field, or a list of names')
  const names = list.map((field, i) => checkField(field, list.length === 1 ? where : `${where}[${i}]`))
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw new InvalidInput(where, `names '${twice}' twice`)
  return names
}
