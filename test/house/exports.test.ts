import { join } from 'node:path'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { exported } from './exports.ts'
import { root } from './sources.ts'

const entries: Record<keyof typeof exported, string> = {
  lockrow: 'src/index.ts',
  'lockrow/dynamo': 'src/dynamo/index.ts',
  'lockrow/direct': 'src/direct/index.ts',
  'lockrow/backend': 'src/backend/index.ts',
  'lockrow/recipes': 'src/recipes/index.ts',
  'lockrow/schedules': 'src/schedules/index.ts',
  'lockrow/testing': 'src/testing/index.ts',
  'lockrow/cdk': 'infra/cdk/index.ts',
  'lockrow/otel': 'src/otel/index.ts',
  'lockrow/streams': 'src/streams/index.ts',
  'lockrow/collections': 'src/collections/index.ts',
  'lockrow/sqlite': 'src/sqlite/index.ts',
  'lockrow/postgres': 'src/postgres/index.ts',
  'lockrow/redis': 'src/redis/index.ts',
  'lockrow/console': 'src/console/index.ts',
}

const { options } = ts.parseJsonConfigFileContent(
  ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile).config,
  ts.sys,
  root,
)
const program = ts.createProgram(
  Object.values(entries).map((file) => join(root, file)),
  options,
)
const checker = program.getTypeChecker()

function symbolsOf(file: string): ts.Symbol[] {
  const module = checker.getSymbolAtLocation(program.getSourceFile(join(root, file))!)!
  return checker.getExportsOfModule(module)
}

const original = (symbol: ts.Symbol): ts.Symbol =>
  symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol

test.each(Object.entries(entries))('%s exports what test/house/exports.ts says', (entry, file) => {
  const names = symbolsOf(file).map(({ name }) => name)
  const expected = exported[entry as keyof typeof exported]
  expect(names.sort(), 'is the new name a decision? Then list it there').toEqual([...expected].sort())
})

// 110 for the library as it was; the rest are the outcomes, limits, states and schedules of queues.
test('lockrow itself stays small: what few need goes to lockrow/recipes, lockrow/backend or lockrow/testing', () => {
  expect(exported.lockrow.length).toBeLessThanOrEqual(135)
})

test('every exported name says what it is', () => {
  const silent = Object.values(entries).flatMap((file) =>
    symbolsOf(file)
      .map(original)
      .filter((symbol) => ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim() === '')
      .map(({ name }) => name),
  )
  expect([...new Set(silent)].sort(), 'give them a docstring: one sentence, shapes and units').toEqual([])
})
