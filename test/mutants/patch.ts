/** One textual change of a source file. */
export interface Patch {
  /** From the root of the project. */
  file: string
  /** Must be there exactly once. */
  from: string
  to: string
}

/** The changed source. Throws when the text is not there exactly once: then the list does not fit the sources. */
export function patched(source: string, { file, from, to }: Patch): string {
  const parts = source.split(from)
  if (parts.length !== 2) throw new Error(`${file} has '${from}' ${parts.length - 1} times, not once`)
  if (from === to) throw new Error(`${file}: '${from}' is not changed`)
  return parts.join(to)
}
