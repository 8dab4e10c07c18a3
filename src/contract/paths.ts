/**
 * A path inside `data`: a text (`'address.city'`, `'lines[0].price'`), or an array of names and list positions
 * (`['lines', 0, 'price']`). In a text, a backslash escapes the next character: `'a\\.b'` is one name with a dot.
 * `path('a.b', 'c')` writes such texts. The empty text or array is `data` itself.
 */
export type Path = string | readonly (string | number)[]

/** The text of a path whose names may have dots or brackets: `path('a.b', 0)` is `'a\\.b[0]'`. */
export function path(...segments: (string | number)[]): string {
  let text = ''
  for (const segment of segments) {
    if (typeof segment === 'number') text += `[${segment}]`
    else text += (text === '' ? '' : '.') + segment.replace(/[.[\]\\]/g, '\\$&')
  }
  return text
}
