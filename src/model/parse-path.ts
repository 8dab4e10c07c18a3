import type { Path } from '../contract/paths.ts'
import { InvalidInput } from '../errors.ts'

type Segments = (string | number)[]

/** DynamoDB's limits: the largest list position, and the longest field name in bytes of UTF-8. */
const maxPosition = 2 ** 31 - 1
const maxNameBytes = 65_535

function checkName(name: string, field: string): void {
  const bytes = Buffer.byteLength(name)
  if (bytes > maxNameBytes)
    throw new InvalidInput(
      field.slice(0, 100),
      `a field name can have at most ${maxNameBytes} bytes of UTF-8`,
      {
        limit: maxNameBytes,
        given: `${bytes} bytes`,
      },
    )
}

/** Parses a path and checks it; `field` is named in the error. */
export function parsePath(given: Path, field: string): Segments {
  const segments = typeof given === 'string' ? parseText(given, field) : checkArray(given, field)
  if (segments.length > 31)
    throw new InvalidInput(field, 'a path can be at most 31 levels deep', { limit: 31 })
  for (const segment of segments) {
    if (typeof segment === 'number' && segment > maxPosition)
      throw new InvalidInput(field, `list positions go from 0 to ${maxPosition}`, { limit: maxPosition })
    if (typeof segment === 'string' && segment.length * 3 > maxNameBytes) checkName(segment, field)
    if (segment === '__proto__') throw new InvalidInput(field, "a path cannot go through '__proto__'")
    if (typeof segment === 'string' && !segment.isWellFormed())
      throw new InvalidInput(field, 'a name in the path has a lone surrogate')
  }
  return segments
}

function checkArray(given: unknown, field: string): Segments {
  if (!Array.isArray(given))
    throw new InvalidInput(field, 'a path is text or an array of names and list positions', {
      given: typeof given,
    })
  for (const segment of given) {
    const fits = typeof segment === 'string' ? segment !== '' : Number.isSafeInteger(segment) && segment >= 0
    if (!fits)
      throw new InvalidInput(field, 'a path is made of non-empty names and list positions from 0', {
        given: String(segment),
      })
  }
  return given as Segments
}

function parseText(text: string, field: string): Segments {
  if (text === '') return []
  if (!/[.[\]\\]/.test(text)) return [text]
  const segments: Segments = []
  // A name, escapes included, or a list position; each but the first name follows a dot.
  const token = /(^|(?<!^)\.)((?:[^.[\]\\]|\\.)+)|\[(\d+)\]/suy
  while (token.lastIndex < text.length) {
    const found = token.exec(text)
    if (!found)
      throw new InvalidInput(
        field,
        "not a path: names are joined by '.', list positions stand in [ ], and \\ takes the next character as it is",
        { given: JSON.stringify(text.slice(0, 100)) },
      )
    if (found[3] !== undefined) segments.push(Number(found[3]))
    else segments.push(found[2]!.replace(/\\(.)/gsu, '$1'))
  }
  return segments
}
