import type { Definition } from './definition.ts'
import type { IndexDefinition } from './index-definition.ts'

/** The access patterns of a collection as a table of Markdown. */

interface Pattern {
  readonly pattern: string
  readonly call: string
  readonly key: string
  readonly cost: string
}

export function describe(definition: Definition): string {
  const rows = [
    ...itemPatterns(definition),
    ...[...definition.indexes.values()].flatMap((index) => indexPatterns(definition, index)),
  ]
  const line = ({ pattern, call, key, cost }: Pattern) => `| ${pattern} | \`${call}\` | ${key} | ${cost} |`
  return ['| access pattern | call | key | reads |', '|---|---|---|---|', ...rows.map(line)].join('\n')
}

const placeholders = (fields: readonly string[]): string => `{ ${fields.join(', ')} }`
const argument = (fields: readonly string[]): string =>
  fields.length === 1 ? fields[0]! : placeholders(fields)
const joined = (fields: readonly string[]): string => fields.map((field) => `<${field}>`).join('#')

function itemPatterns({ name, key }: Definition): Pattern[] {
  if (!key.isListed)
    return [
      {
        pattern: `one of ${name}`,
        call: `${name}.get(${argument(key.fields)})`,
        key: 'key functions',
        cost: '1 request',
      },
    ]
  const shared =
    key.prefix === ''
      ? name
      : key.pk(Object.fromEntries(key.partition.map((field) => [field, 'x']))).split('#')[0]!
  const pk = key.partition.length === 0 ? shared : `${shared}#${joined(key.partition)}`
  const sk = key.prefix + (key.sort.length === 0 ? '#' : joined(key.sort))
  const list = key.partition.length === 0 ? '' : placeholders(key.partition)
  const one = {
    pattern: `one of ${name}`,
    call: `${name}.get(${argument(key.fields)})`,
    key: code(pk, sk),
    cost: '1 request',
  }
  if (key.sort.length === 0) return [one]
  const by = key.partition.length === 0 ? '' : ` of one ${key.partition.join(' and ')}`
  return [
    one,
    {
      pattern: `${name}${by}, by ${key.sort.join(', ')}`,
      call: `${name}.list(${list})`,
      key: code(pk, `${key.prefix}…`),
      cost: '1 request a page',
    },
  ]
}

function indexPatterns({ name }: Definition, index: IndexDefinition): Pattern[] {
  if (index.retired) return []
  const pk = [`${name}##${index.name}`, ...(index.key.length > 0 ? [joined(index.key)] : [])].join('#')
  const requests = index.project ? '1 request' : '2 requests'
  const only = index.where.map(([field, values]) => `${field} ${values.join(' or ')}`).join(', ')
  const where = only === '' ? '' : `, where ${only}`
  if (index.unique)
    return [
      {
        pattern: `one of ${name} by ${index.key.join(' and ')}${where}`,
        call: `${name}.by('${index.name}').get(${argument(index.key)})`,
        key: code(pk, '#'),
        cost: requests,
      },
    ]
  const of = index.key.length === 0 ? '' : ` of one ${index.key.join(' and ')}`
  const sorted = index.sort.length === 0 ? '' : `, by ${index.sort.join(', then ')}`
  const within = index.key.length === 0 ? '' : placeholders(index.key)
  const row = {
    pattern: `${name}${of}${sorted}${where}`,
    call: `${name}.by('${index.name}').list(${within})`,
    key: code(pk, joined(index.order) || '#'),
    cost: `${requests} a page`,
  }
  if (!index.count) return [row]
  return [
    row,
    {
      pattern: `number of ${name}${of}${where}`,
      call: `${name}.by('${index.name}').count(${within})`,
      key: code(pk, '#count'),
      cost: '1 request',
    },
  ]
}

const code = (pk: string, sk: string): string => `\`${pk}\`, \`${sk}\``
