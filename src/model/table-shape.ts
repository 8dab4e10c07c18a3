// What lockrow needs of the table itself; for the construct and the command line.

/** A table as far as lockrow depends on it. */
export interface TableShape {
  /** Partition key, then sort key; types as DynamoDB names them. */
  readonly keys: readonly { readonly name: string; readonly type: string }[]
  /** The attribute by which DynamoDB deletes expired rows; undefined while it deletes none. */
  readonly ttl: string | undefined
  /** The keys of its secondary indexes. */
  readonly indexes?: readonly {
    readonly name: string
    readonly keys: readonly { readonly name: string; readonly type: string }[]
  }[]
}

/** Something about a table that keeps lockrow from working on it. */
export interface Misfit {
  readonly about: 'keys' | 'ttl' | 'indexes'
  /** How it is. */
  readonly found: string
  /** What to do. */
  readonly remedy: string
}

/** Whether DynamoDB takes it for the name of a table. */
export const isTableName = (name: string): boolean => /^[\w.-]{3,255}$/.test(name)

/** What keeps lockrow from working on a table; nothing: an empty list. */
export function misfitsOf({ keys, ttl, indexes = [] }: TableShape): Misfit[] {
  const misfits: Misfit[] = []
  const named = keys.map(({ name, type }) => `${name} ${type}`)
  if (named.join() !== 'pk S,sk S')
    misfits.push({
      about: 'keys',
      found: `its key is (${named.join(', ')})`,
      remedy:
        'it must be pk and sk, both texts (S); keys cannot be changed, so make another table and copy the rows',
    })
  if (ttl !== undefined && ttl !== 'ttl')
    misfits.push({
      about: 'ttl',
      found: `TTL is on '${ttl}'`,
      remedy: "it must be on 'ttl', in epoch seconds: switch it off, and on for 'ttl' an hour later",
    })
  for (const index of indexes) {
    const wrong = index.keys.find(
      ({ name, type }) => OUR_TYPES[name] !== undefined && OUR_TYPES[name] !== type,
    )
    if (wrong)
      misfits.push({
        about: 'indexes',
        found: `the index '${index.name}' has the key ${wrong.name} ${wrong.type}`,
        remedy: `lockrow writes ${wrong.name} as ${OUR_TYPES[wrong.name]}, which DynamoDB then refuses: index another attribute`,
      })
  }
  return misfits
}

/** Attributes of our rows, by the types that an index could have; `data` is of any type. */
const OUR_TYPES: Readonly<Record<string, string>> = {
  data: 'any type',
  dl: 'M',
  due: 'N',
  enq: 'N',
  first: 'N',
  g: 'S',
  n: 'N',
  p: 'S',
  q: 'S',
  r: 'S',
  t: 'B',
  ttl: 'N',
  version: 'S',
  w: 'S',
  why: 'S',
}
