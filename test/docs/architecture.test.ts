import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isThere, pathsIn, textOf } from './named.ts'

/** docs/architecture.md is true: its files are there, and imports go in the direction of its arrows. */

const root = resolve(import.meta.dirname, '../..')
const page = textOf('docs/architecture.md')
const named = pathsIn(page)

const entries = readdirSync(join(root, 'src'), { withFileTypes: true })
const rooms = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => `src/${path.replaceAll('\\', '/')}`)

/** What a source file imports of ours, also types, and what is loaded only when it is needed. */
function importsOf(path: string): string[] {
  const text = readFileSync(join(root, path), 'utf8')
  const targets = [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'(\.[^']+)'/g)].map(([, target]) => target!)
  return targets.map((target) => join(dirname(path), target))
}

const within = (path: string, places: readonly string[]) =>
  places.some((place) => path === `src/${place}` || path.startsWith(`src/${place}/`))

const capabilities = [
  'collections',
  'console',
  'coordination',
  'worker',
  'schedules',
  'transactions',
  'recipes',
  'lru',
  'otel',
]
const backends = ['dynamo', 'direct', 'memory', 'stores', 'sqlite', 'postgres', 'redis']
/** What joins a storage with the engine. */
const joints = [
  'src/dynamo/database.ts',
  'src/dynamo/read-row.ts',
  'src/dynamo/text-rows.ts',
  'src/direct/database.ts',
  'src/memory/database.ts',
  'src/sqlite/database.ts',
  'src/postgres/database.ts',
  'src/redis/database.ts',
]
/** Sends the same requests as the other one, by itself; or keeps its rows as the others of its kind do. */
const sharing: Readonly<Record<string, string>> = {
  direct: 'dynamo',
  sqlite: 'stores',
  postgres: 'stores',
  redis: 'stores',
}
/** Names the type of what the engine gives it: ids and the time. */
const typesOnly = ['src/model/message-row.ts']

/** The room, where its imports must not lead, and its files for which that does not count. */
const noArrows: [room: string, never: string[], except?: string[]][] = [
  ['contract', ['engine', 'model', 'storage.ts', ...backends, ...capabilities, 'testing', 'cli']],
  ['model', ['engine', ...backends, ...capabilities, 'testing', 'cli'], typesOnly],
  ['storage.ts', ['engine', 'model', ...backends, ...capabilities, 'testing', 'cli']],
  ['engine', [...backends, ...capabilities, 'testing', 'cli']],
  ...backends.map((room): [string, string[], string[]] => [
    room,
    [
      'engine',
      ...backends.filter((other) => other !== room && other !== sharing[room]),
      ...capabilities,
      'testing',
      'cli',
    ],
    joints,
  ]),
  ...capabilities.map((room): [string, string[]] => [room, ['engine', ...backends, 'testing', 'cli']]),
  ['cli', ['engine']],
]

describe('docs/architecture.md', () => {
  it('names files that exist', () => {
    expect(named.length).toBeGreaterThan(60)
    expect(named.filter((path) => !isThere(path))).toEqual([])
  })

  it('names every room of src', () => {
    expect(rooms.filter((room) => !named.some((path) => within(path, [room])))).toEqual([])
  })
})

describe('the arrows', () => {
  it.each(noArrows)('src/%s imports nothing of %j', (room, never, except = []) => {
    const files = sources.filter((path) => within(path, [room]) && !except.includes(path))
    expect(files).not.toEqual([])
    const wrong = files.flatMap((path) =>
      importsOf(path).flatMap((target) => (within(target, never) ? [`${path} -> ${target}`] : [])),
    )
    expect(wrong).toEqual([])
  })

  it('are read from the sources', () => {
    expect(importsOf('src/cli/commands/lock.ts')).toContain('src/dynamo/read-row.ts')
    expect(importsOf('src/memory/database.ts')).toContain('src/engine/engine.ts')
    for (const path of joints) expect(sources).toContain(path)
  })
})
