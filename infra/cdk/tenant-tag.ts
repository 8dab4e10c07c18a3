// A part of a partition key that IAM puts in: the tag of the session that asks.

/** A text that stands for the value of a tag; made by {@link tenantTag}. */
export class TagPrefix {
  /** As a policy says it. */
  readonly pattern: string

  constructor(pattern: string) {
    this.pattern = pattern
  }
}

/** Tag keys of IAM, without those that the service keeps for itself. */
const TAG_KEY = /^(?!aws:)[\p{L}\p{Z}\p{N}_.:/=+@-]{1,128}$/iu
/** No value of a tag holds one of these, so that no tenant's prefix is that of another. */
const SEPARATOR = /^[#|!~,;&]/

/**
 * The beginning of the partition keys of the tenant who asks: the value of a tag of the principal (a session tag or a
 * tag of the role) between `before` and `after`. One role then serves all tenants:
 *
 * ```ts
 * db.grantReadWrite(role, { pkPrefixes: [tenantTag('Tenant')] }) // `acme#...` for the tag Tenant=acme
 * ```
 *
 * Without the tag nothing matches.
 *
 * @param after begins with a separator that no tag value can hold, one of `# | ! ~ , ; &`. @default '#'
 * @throws Error when the key of the tag is none, or `after` does not separate
 */
export function tenantTag(
  key: string,
  { before = '', after = '#' }: { readonly before?: string; readonly after?: string } = {},
): TagPrefix {
  if (typeof key !== 'string' || !TAG_KEY.test(key))
    throw new Error(`tenantTag: '${key}' is no key of a tag (1 to 128 letters, digits, spaces and _.:/=+-@)`)
  for (const [name, text] of Object.entries({ before, after }))
    if (/[*?$]/.test(text))
      throw new Error(`tenantTag: ${name} '${text}' holds a wildcard or variable of IAM`)
  if (!SEPARATOR.test(after))
    throw new Error(
      `tenantTag: after '${after}' must begin with a separator that no tag value holds, such as '#': else the tenant ` +
        "'a' would be let into the rows of 'a/b'",
    )
  return new TagPrefix(`${before}\${aws:PrincipalTag/${key}}${after}`)
}
