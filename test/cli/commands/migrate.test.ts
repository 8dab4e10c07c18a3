import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { collection, typed } from 'lockrow/collections'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fresh } from '../../collections/world.ts'
import { root } from '../../house/sources.ts'
import { onTable, records, type Surroundings } from '../helpers.ts'

const on = onTable()
let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lockrow-migrate-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface User {
  id: string
  email: string
}

/** A module of an application, at version 2. */
function moduleOf(name: string, more = ''): string {
  const file = join(folder, `${name}.mjs`)
  const library = pathToFileURL(join(root, 'src/collections/index.ts')).href
  writeFileSync(
    file,
    `import { collection, typed } from '${library}'
     export default (db) => [collection(db, '${name}', {
       schema: typed(), key: 'id', version: 2, upgrades: { 2: (item) => ({ ...item }) },
       unique: { email: { key: 'email', since: 2 } },
     })${more}]`,
  )
  return file
}

const migrate = (argv: string[], given: Surroundings = {}) =>
  on.lockrow(['migrate', '--table', on.table(), ...argv], given)

describe('migrate', () => {
  it('says what it would do and what that costs, does it, and waits for programs of before', async () => {
    const name = fresh()
    const users = collection(on.db(), name, { schema: typed<User>(), key: 'id' })
    for (let i = 0; i < 5; i++) await users.insert({ id: `u${i}`, email: `${i}` })
    const file = moduleOf(name)
    const dry = await migrate(['--collections', file, '--dry-run'])
    expect(dry).toMatchObject({ code: 0, err: '' })
    expect(dry.out).toContain(`${name}, to version 2: 5 items (5 of version 1)`)
    expect(dry.out).toMatch(/would write 5 items: 20 WRU and \d+ RRU, about \$0\.0000 on demand/)
    expect(dry.out).toContain('programs of version 1 may write until ')
    const ran = await migrate(['--collections', file, '--yes', '--json', '--rate', '10000'])
    expect(ran.code).toBe(1)
    expect(records(ran)).toMatchObject([{ collection: name, state: 'waiting', written: 5, wru: 20 }])
    const again = await migrate(['--collections', file, '--yes'])
    expect(again.out).toMatch(
      /wrote 0 items \(0 WRU\); programs of earlier versions may write until .*--wait/,
    )
  })

  it('names what cannot be upgraded', async () => {
    const name = fresh()
    const users = collection(on.db(), name, { schema: typed<User>(), key: 'id' })
    for (const id of ['a', 'b']) await users.insert({ id, email: 'same' })
    const dry = await migrate(['--collections', moduleOf(name), '--dry-run'])
    expect(dry.code).toBe(1)
    expect(dry.out).toContain(`["${name}","b"] NotUnique`)
  })

  it.each<[string, (file: string) => string[], RegExp]>([
    ['no module', () => ['--collections', '/nowhere.js'], /cannot load \/nowhere\.js/],
    ['no collections', () => ['--collections', join(root, 'src/errors.ts')], /must have a default export/],
    [
      'an unknown name',
      (file) => ['--collections', file, '--only', 'tasks'],
      /no collection 'tasks' in .*: it has /,
    ],
    ['a rate that is none', (file) => ['--collections', file, '--rate', '0'], /whole number, 1 or more/],
    ['nobody to ask', (file) => ['--collections', file], /say --yes/],
  ])('refuses %s', async (what, argv, message) => {
    const file = moduleOf(fresh())
    const ran = await migrate([...argv(file), ...(what === 'nobody to ask' ? [] : ['--yes'])])
    expect(ran.code).toBe(2)
    expect(ran.err).toMatch(message)
  })

  it('stops on Ctrl-C, and goes on with the same command', async () => {
    const name = fresh()
    const users = collection(on.db(), name, { schema: typed<User>(), key: 'id' })
    await users.insert({ id: 'a', email: 'a' })
    const file = moduleOf(name)
    const stopped = await migrate(['--collections', file, '--yes'], { signal: AbortSignal.abort() })
    expect(stopped.code).toBe(130)
    expect((await migrate(['--collections', file, '--yes', '--json'])).out).toContain('"written":1')
  })
})
