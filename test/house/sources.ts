import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/** The root of the project. */
export const root = resolve(import.meta.dirname, '../..')

/** Every TypeScript file, with those of the console's page, below a folder, from the root of the project. */
export const filesIn = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((file) => join(folder, file))
    .filter(
      (file) => /\.tsx?$/.test(file) && !/(^|\/)(node_modules|cdk\.out|\.tmp[^/]*|\.generated)\//.test(file),
    )
    .sort()

export const textOf = (file: string): string => readFileSync(join(root, file), 'utf8')

const pathOf = (from: string, name: string): string => {
  if (name.startsWith('.')) return join(dirname(from), name)
  if (name === 'lockrow/cdk') return 'infra/cdk/index.ts'
  return `src/${name.slice('lockrow/'.length)}/index.ts`.replace('//', '/')
}

/** What each file imports of the project itself, types too. */
export function importsOf(files: readonly string[]): Map<string, string[]> {
  const known = new Set(files)
  return new Map(
    files.map((file) => {
      const named = [...textOf(file).matchAll(/(?:from|import)\s*\(?\s*'((?:\.|lockrow)[^']*)'/g)]
      const imported = named.map(([, name]) => pathOf(file, name!)).filter((path) => known.has(path))
      return [file, [...new Set(imported)]]
    }),
  )
}

/** Groups of files that import each other, by whatever way: the strongly connected components of R. Tarjan, 1972. */
export function circlesOf(imports: ReadonlyMap<string, readonly string[]>): string[][] {
  const low = new Map<string, number>()
  const open: string[] = []
  const circles: string[][] = []
  const visit = (file: string): number => {
    const index = low.size
    let lowest = index
    low.set(file, index)
    open.push(file)
    for (const next of imports.get(file) ?? []) {
      if (!low.has(next)) lowest = Math.min(lowest, visit(next))
      else if (open.includes(next)) lowest = Math.min(lowest, low.get(next)!)
    }
    low.set(file, lowest)
    if (lowest !== index) return lowest
    const circle = open.splice(open.indexOf(file)).sort()
    if (circle.length > 1 || imports.get(file)?.includes(file)) circles.push(circle)
    return lowest
  }
  for (const file of imports.keys()) if (!low.has(file)) visit(file)
  return circles.sort()
}
