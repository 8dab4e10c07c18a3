import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** An executable of Node, and how it is called in tables. */
export interface NodeVersion {
  name: string
  file: string
}

export const thisNode: NodeVersion = { name: `Node ${process.version.slice(1)}`, file: process.execPath }

const folder = fileURLToPath(new URL('../node_modules/.node', import.meta.url))
const places = ['node/bin/node', `node/node_modules/node-${process.platform}-${process.arch}/bin/node`]

/** Another major version of Node from npm's package `node`, which brings its own executable; nothing where it cannot be had. */
export function nodeOfMajor(major: number): NodeVersion | undefined {
  if (process.version.startsWith(`v${major}.`)) return undefined
  const prefix = join(folder, String(major))
  try {
    if (!found(prefix))
      execFileSync(
        'npm',
        ['install', '--no-save', '--no-package-lock', '--prefix', prefix, `node@${major}`],
        {
          stdio: 'ignore',
          timeout: 300_000,
        },
      )
    const file = found(prefix)!
    const version = execFileSync(file, ['--version'], { encoding: 'utf8' }).trim()
    return { name: `Node ${version.slice(1)}`, file }
  } catch {
    return undefined
  }
}

const found = (prefix: string): string | undefined =>
  places.map((place) => join(prefix, 'node_modules', place)).find((file) => existsSync(file))
