import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Mutex } from 'lockrow'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from '../house/sources.ts'
import { onTable } from './helpers.ts'

/** The examples of the guide are commands that work, in the order in which they stand there. */
const on = onTable()
const guide = readFileSync(resolve(import.meta.dirname, '../../docs/cli.md'), 'utf8')
const commands = [...guide.matchAll(/^```sh\n([\s\S]*?)^```$/gm)]
  .flatMap(([, block]) => block!.split('\n'))
  .flatMap((line) => /(?:^|\| )npx lockrow ([^|>]*)/.exec(line)?.[1]?.trim() ?? [])
  // They serve until Ctrl-C, and have tests of their own.
  .filter((command) => command !== 'dev' && !command.startsWith('console'))

const words = (command: string): string[] =>
  [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!)

let folder = ''
let collections = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lockrow-guide-'))
  collections = join(folder, 'collections.mjs')
  const library = pathToFileURL(join(root, 'src/collections/index.ts')).href
  writeFileSync(
    collections,
    `import { collection, typed } from '${library}'
     export default (db) => [collection(db, 'users', { schema: typed(), key: 'id' })]`,
  )
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What stands in the guide for what a user has. */
const standIn = (word: string): string =>
  word === 'messages.jsonl'
    ? '-'
    : word === './dist/collections.js'
      ? collections
      : word === 'app'
        ? on.table()
        : word

describe('docs/cli.md', () => {
  it('has commands that work', async () => {
    expect(commands.length).toBeGreaterThan(20)
    const db = on.db()
    await db.set({ pk: 'user#123', sk: 'profile', data: { name: 'Ann' } })
    await db.getLock({ pk: 'user#123', sk: 'profile#lock' })
    await new Mutex(db, { pk: 'mutex', sk: 'nightly-report' }, { ttlMs: null }).acquire()
    await db.queuePush([
      { pk: 'jobs', sk: '01JDC0FVXHDSZP2S6YCDHXSEP9' },
      { pk: 'jobs', uniqueId: 'sync-7' },
    ])
    for (const command of commands) {
      const argv = words(command).map(standIn)
      if (argv[0] === 'migrate') argv.push('--yes')
      const { code, err } = await on.lockrow(argv, { input: '{"n":1}\n' })
      expect({ command, code, err }).toMatchObject({ command, code: 0 })
    }
  })
})
