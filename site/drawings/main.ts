import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { leaseLife, messageLife } from './lives.ts'
import { overview } from './overview.ts'
import { architecture, commit, lockedWrite } from './writes.ts'

/** `npm run docs:images` writes the pictures of the README and the guides. */

export const pictures: Readonly<Record<string, string>> = {
  'overview.svg': overview,
  'message-life.svg': messageLife,
  'lease-life.svg': leaseLife,
  'locked-write.svg': lockedWrite,
  'commit.svg': commit,
  'architecture.svg': architecture,
}

/** Where the guides show them from. */
export const folder = resolve(import.meta.dirname, '../../docs/images')

export function writePictures(): void {
  mkdirSync(folder, { recursive: true })
  for (const [name, svg] of Object.entries(pictures)) writeFileSync(join(folder, name), svg)
}

if (process.argv[1] === import.meta.filename) writePictures()
