/** Plain data as YAML: maps and lists in blocks, every text in quotes. */
export function toYaml(value: unknown, indent = ''): string {
  if (Array.isArray(value))
    return value.map((element) => `${indent}- ${toYaml(element, `${indent}  `).trimStart()}`).join('\n')
  if (typeof value !== 'object' || value === null) return `${indent}${JSON.stringify(value)}`
  return Object.entries(value)
    .filter(([, of]) => of !== undefined)
    .map(([name, of]) => `${indent}${nameOf(name)}:${below(of, indent)}`)
    .join('\n')
}

/** Words that YAML takes for something else than a text. */
const reserved = /^(null|true|false|yes|no|on|off|y|n)$/i

const nameOf = (name: string): string =>
  /^[A-Za-z][\w-]*$/.test(name) && !reserved.test(name) ? name : JSON.stringify(name)

const below = (value: unknown, indent: string): string =>
  typeof value === 'object' && value !== null
    ? `\n${toYaml(value, `${indent}  `)}`
    : ` ${JSON.stringify(value)}`
