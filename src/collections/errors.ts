import { AtomicDbError, ConditionFailed, type Conflict, InvalidInput } from '../errors.ts'

/** One thing that a schema found wrong. */
export interface MismatchIssue {
  readonly message: string
  /** Names and list positions, from the item on. */
  readonly path: readonly (string | number)[]
}

/** The item does not fit its schema. Nothing was sent. `issues` lists everything that is wrong. */
export class SchemaMismatch extends InvalidInput {
  static override readonly code = 'SchemaMismatch'
  readonly issues: readonly MismatchIssue[]

  constructor(where: string, issues: readonly MismatchIssue[]) {
    // An issue without a path is one of the value itself, which `where` names.
    const listed = issues
      .slice(0, 5)
      .map(({ message, path }) => [path.join('.'), message].filter(Boolean).join(': '))
    const more = issues.length > 5 ? `; and ${issues.length - 5} more` : ''
    super(
      [where, ...(issues[0]?.path ?? [])].join('.'),
      `does not fit the schema: ${listed.join('; ')}${more}`,
    )
    this.issues = issues
  }
}

/** Another item has this value of a unique index. Nothing was written. */
export class NotUnique extends ConditionFailed {
  static override readonly code = 'NotUnique'
  readonly index: string
  readonly fields: readonly string[]
  /** The key fields of the item that has it. Absent: it was gone before it could be read. */
  readonly owner: Readonly<Record<string, unknown>> | undefined

  constructor(
    collection: string,
    { name, key }: { readonly name: string; readonly key: readonly string[] },
    owner: Readonly<Record<string, unknown>> | undefined,
    conflict: Conflict,
  ) {
    const by = owner ? ` by ${Object.values(owner).map(String).join('/')}` : ''
    super(`${collection}: ${key.join(' and ')} is taken${by} (unique index '${name}'); nothing was written`, [
      conflict,
    ])
    this.index = name
    this.fields = key
    this.owner = owner
  }
}

/** The item that a reference names does not exist. Nothing was written. */
export class ReferenceMissing extends ConditionFailed {
  static override readonly code = 'ReferenceMissing'
  readonly reference: string

  constructor(collection: string, reference: string, target: string, conflict: Conflict) {
    super(`${collection}: '${reference}' names no item of ${target}; nothing was written`, [conflict])
    this.reference = reference
  }
}

/** The item cannot be deleted while others refer to it. Nothing was written. */
export class StillReferenced extends ConditionFailed {
  static override readonly code = 'StillReferenced'
  /** How many items refer to it. */
  readonly count: number

  constructor(collection: string, count: number, conflict: Conflict) {
    super(`${collection}: ${count} items refer to this one; nothing was written`, [conflict])
    this.count = count
  }
}

/**
 * The item was written by a later version of the collection than this program knows; or the collection was migrated to one,
 * and takes no writes of earlier ones. Nothing was written.
 */
export class NewerVersion extends AtomicDbError {
  static override readonly code = 'NewerVersion'
  /** Of the item, or the least that may write. */
  readonly version: number

  constructor(collection: string, version: number, known: number, what: 'item' | 'collection' = 'item') {
    super(
      `${collection}: the ${what} has version ${version}, this program knows ${known}: deploy the newer one`,
    )
    this.version = version
  }
}

/** The index is not filled yet: items of an earlier version may be missing in it. Run `migrate()`. */
export class IndexNotReady extends AtomicDbError {
  static override readonly code = 'IndexNotReady'
  readonly index: string

  constructor(collection: string, index: string) {
    super(`${collection}: index '${index}' is not filled yet: run migrate() to the end`)
    this.index = index
  }
}
