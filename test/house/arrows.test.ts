import { describe, expect, test } from 'vitest'
import { circlesOf, filesIn, importsOf, textOf } from './sources.ts'

const files = ['src', 'infra', 'bench', 'examples', 'test'].flatMap(filesIn)
const imports = importsOf(files)

/** Circles that wait for their mend: each leaves the list with it. */
const knownCircles: readonly (readonly string[])[] = []

test('no file imports itself by way of others, types too: move what both need into a file of its own', () => {
  expect(files.length).toBeGreaterThan(400)
  expect(circlesOf(imports), 'mend the new ones; take the mended ones off the list').toEqual(knownCircles)
})

test('a circle is found, also one among types', () => {
  const circle = new Map([
    ['a', ['b']],
    ['b', ['c', 'd']],
    ['c', ['a']],
    ['d', []],
  ])
  expect(circlesOf(circle)).toEqual([['a', 'b', 'c']])
  expect(circlesOf(new Map([['a', ['a']]]))).toEqual([['a']])
})

/** Arrows from a room into another, as `file -> file`. */
function arrows(from: RegExp, to: RegExp): string[] {
  return [...imports]
    .filter(([file]) => from.test(file))
    .flatMap(([file, imported]) =>
      imported.filter((other) => to.test(other)).map((other) => `${file} -> ${other}`),
    )
    .sort()
}

const engine = /^src\/engine\//
const capability =
  /^src\/(collections|console|coordination|lru|transactions|worker|schedules|recipes|otel|streams|testing|cli)\//
const backend = /^src\/(dynamo|direct|memory|stores|sqlite|postgres|redis)\//

// capability -> interface <- engine -> storage, model <- backend
describe('arrows between the rooms: an exception has its reason beside it', () => {
  test('no capability imports the engine: it uses the interface, or a rule of model', () => {
    expect(arrows(capability, engine)).toEqual([])
  })

  test('no backend imports the engine: it uses storage and model', () => {
    expect(arrows(backend, engine)).toEqual([
      // the classes that join a storage to the engine
      'src/direct/database.ts -> src/engine/engine.ts',
      'src/direct/database.ts -> src/engine/items-engine.ts',
      'src/dynamo/database.ts -> src/engine/engine.ts',
      'src/dynamo/database.ts -> src/engine/items-engine.ts',
      // one bare row, read with the engine's patience: the command line shows what no item is
      'src/dynamo/read-row.ts -> src/engine/context.ts',
      'src/dynamo/read-row.ts -> src/engine/in-call.ts',
      'src/dynamo/read-row.ts -> src/engine/requests.ts',
      // rows that are no items yet, for the command that converts them
      'src/dynamo/text-rows.ts -> src/engine/context.ts',
      'src/dynamo/text-rows.ts -> src/engine/in-call.ts',
      'src/dynamo/text-rows.ts -> src/engine/requests.ts',
      'src/dynamo/text-rows.ts -> src/engine/retry.ts',
      'src/memory/database.ts -> src/engine/context.ts',
      'src/memory/database.ts -> src/engine/engine.ts',
      'src/postgres/database.ts -> src/engine/context.ts',
      'src/postgres/database.ts -> src/engine/engine.ts',
      'src/redis/database.ts -> src/engine/context.ts',
      'src/redis/database.ts -> src/engine/engine.ts',
      'src/sqlite/database.ts -> src/engine/context.ts',
      'src/sqlite/database.ts -> src/engine/engine.ts',
    ])
  })

  test('the model imports neither engine nor capability nor backend', () => {
    const other =
      /^src\/(engine|collections|console|coordination|lru|transactions|worker|schedules|recipes|otel|streams|testing|cli|dynamo|direct|memory|stores|sqlite|postgres|redis)\//
    expect(arrows(/^src\/model\//, other)).toEqual([])
  })

  test('the engine imports neither capability nor backend', () => {
    expect(arrows(engine, capability)).toEqual([])
    expect(arrows(engine, backend)).toEqual([])
  })

  test('the contract imports nothing that does anything', () => {
    expect(
      arrows(/^src\/(interface\.ts|contract\/)/, /^src\/(?!interface\.ts|errors\.ts|contract\/)/),
    ).toEqual([
      // a type: the clock in the options
      'src/interface.ts -> src/runtime.ts',
    ])
  })
})

test('every index.ts is a barrel: code has a file with a name', () => {
  const entries = [...filesIn('src'), ...filesIn('infra')].filter((file) => file.endsWith('/index.ts'))
  expect(entries.length).toBeGreaterThan(8)
  const code = entries.filter((file) => {
    const bare = textOf(file).replace(/\/\*[\s\S]*?\*\/|\/\/.*|^#!.*/g, '')
    return bare.replace(/export\s+(type\s+)?(\*(\s+as\s+\w+)?|\{[^}]*\})\s+from\s+'[^']+'/g, '').trim() !== ''
  })
  expect(code).toEqual([
    // the program of the package's `bin`
    'src/cli/index.ts',
  ])
})
