import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './pages.ts'

/** Whether what was built is newer than what it is made of. */

const written = ['node_modules', 'dist', 'api', '.tmp', '.temp', 'cache']

/** When a file, or any of those below a folder, was last changed: ms. 0 where there is none. */
export function lastChange(path: string): number {
  if (!existsSync(path)) return 0
  const at = statSync(path)
  if (!at.isDirectory()) return at.mtimeMs
  const within = readdirSync(path).filter((name) => !written.includes(name))
  return Math.max(0, ...within.map((name) => lastChange(join(path, name))))
}

const isNewer = (built: string, ...sources: string[]): boolean =>
  lastChange(join(root, built)) > Math.max(...sources.map((path) => lastChange(join(root, path))))

/** Whether the site needs no `npm run docs:site`. */
export const isSiteFresh = (): boolean =>
  isNewer('site/dist/index.html', 'README.md', 'docs', 'src', 'infra/cdk', 'site')

/** Whether the API reference needs no `npm run docs`. */
export const isReferenceFresh = (): boolean =>
  isNewer('docs/api/index.html', 'src', 'infra/cdk', 'typedoc.json')
