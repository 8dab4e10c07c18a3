import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** All that decides a simulated history: the library, and how it is driven. */
const folders = ['src', 'test/simulation']

let known: string | undefined

/** Version of the library with a fingerprint of these sources: seeds mean the same only within one. */
export function libraryVersion(): string {
  known ??= read()
  return known
}

function read(): string {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  const hash = createHash('sha256')
  for (const folder of folders) {
    const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    for (const file of files.filter((name) => name.endsWith('.ts')).sort()) {
      const path = join(root, folder, file)
      hash.update(relative(root, path)).update('\0').update(readFileSync(path)).update('\0')
    }
  }
  return `${version}+${hash.digest('hex').slice(0, 8)}`
}
