import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { coveredBy } from './covered-by.ts'
import { filesIn, importsOf, root, textOf } from './sources.ts'

const tests = new Set(filesIn('test').filter((file) => file.endsWith('.test.ts')))

/** `test/lru/cache.test.ts` is the test of `src/lru/cache.ts`. */
const hasTest = (file: string): boolean =>
  tests.has(file.replace(/^src/, 'test').replace(/\.ts$/, '.test.ts'))

/** Whether anything in it can be called: types, names and limits alone do nothing. */
function hasBehaviour(file: string): boolean {
  const compiled = ts.transpileModule(textOf(file), {
    compilerOptions: { target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext },
  })
  const visit = (node: ts.Node): boolean =>
    (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined) ||
    (ts.forEachChild(node, visit) ?? false)
  return visit(ts.createSourceFile('compiled.js', compiled.outputText, ts.ScriptTarget.ESNext))
}

/**
 * Files with something to test. The conformance suite is a test itself: test/conformance runs it. The page of the console
 * runs in Chromium: test/browser/console.
 */
const sources = filesIn('src').filter(
  (file) =>
    basename(file) !== 'index.ts' &&
    !file.startsWith('src/testing/conformance/') &&
    !file.startsWith('src/console/page/') &&
    hasBehaviour(file),
)

test('every file of src has a test by its path, or is listed with the one that covers it', () => {
  const without = sources.filter((file) => !hasTest(file))
  expect(without, 'write test/<room>/<name>.test.ts, or list the file in test/house/covered-by.ts').toEqual(
    without.filter((file) => file in coveredBy),
  )
})

test('what the list names is there, and nothing has both', () => {
  for (const [file, by] of Object.entries(coveredBy)) {
    expect(existsSync(join(root, file)), `${file} is gone: take it off the list`).toBe(true)
    expect(sources.includes(file), `${file} does nothing that a test could see: take it off the list`).toBe(
      true,
    )
    expect(existsSync(join(root, by)), `${by} is gone: say what covers ${file}`).toBe(true)
    expect(hasTest(file), `${file} has a test by its name: take it off the list`).toBe(false)
  }
})

const imports = importsOf(['src', 'infra', 'examples', 'test'].flatMap(filesIn))

function reached(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen
  seen.add(file)
  for (const next of imports.get(file) ?? []) reached(next, seen)
  return seen
}

test('what covers a file imports it, by whatever way', () => {
  const reach = new Map([...new Set(Object.values(coveredBy))].map((by) => [by, reached(by)]))
  const wrong = Object.entries(coveredBy).filter(([file, by]) => !reach.get(by)!.has(file))
  expect(wrong).toEqual([
    // started as the module of a thread, by its address
    ['src/coordination/heartbeat-worker.ts', 'test/coordination/heartbeat-thread.test.ts'],
  ])
})
