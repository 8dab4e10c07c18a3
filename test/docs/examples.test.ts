import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Example, examplesOfGuide, examplesOfMethods } from './examples.ts'

/**
 * Every TypeScript example of the README, of the guides and of the contract is a program: it compiles under strict and
 * runs on the twin.
 */
const root = resolve(import.meta.dirname, '../..')
const folder = join(root, 'test/docs/.generated')

const methods = [
  ...examplesOfMethods(root, 'src/interface.ts', 'AtomicDbInterface'),
  ...examplesOfMethods(root, 'src/contract/queue-methods.ts', 'AtomicDbQueueInterface'),
]
const guides = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'))
const examples = [
  ...[join(root, 'README.md'), ...guides.map((name) => join(root, 'docs', name))].flatMap(examplesOfGuide),
  ...methods.flatMap((one) => one.examples),
]
const fileOf = ({ name }: Example) => join(folder, `${name}.ts`)

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const example of examples) writeFileSync(fileOf(example), `${example.code}\nexport {}\n`)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('examples in the documentation', () => {
  it('compile under strict', { timeout: 180_000 }, () => {
    const config = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
    const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root)
    const program = ts.createProgram(examples.map(fileOf), { ...options, noUnusedLocals: false })
    const wrong = ts
      .getPreEmitDiagnostics(program)
      .filter((diagnostic) => diagnostic.file?.fileName.includes('.generated'))
      .map(
        (diagnostic) =>
          `${basename(diagnostic.file!.fileName)}: ${ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n')}`,
      )
    expect(wrong).toEqual([])
  })

  it.each(examples.filter((example) => example.runs))('$name runs', async (example) => {
    await import(/* @vite-ignore */ fileOf(example))
  })

  it('finds the examples', () => {
    expect(examples.length).toBeGreaterThan(8 + methods.length)
  })

  it.each(methods)('$method of the contract has an example', ({ examples }) => {
    expect(examples).not.toEqual([])
  })
})
