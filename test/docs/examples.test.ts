import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

/**
 * Every TypeScript example of the README and the guides is a program: it compiles under strict and runs on the twin.
 * Examples that need an AWS account or an outer class say ```ts nocheck; those that only compile, ```ts norun.
 */
const root = resolve(import.meta.dirname, '../..')
const folder = join(root, 'test/docs/.generated')

interface Example {
  name: string
  code: string
  runs: boolean
}

function examplesOf(file: string): Example[] {
  const text = readFileSync(file, 'utf8')
  const examples: Example[] = []
  for (const match of text.matchAll(/^```(?:ts|typescript)([^\n]*)\n([\s\S]*?)^```$/gm)) {
    const [, info = '', code = ''] = match
    if (info.includes('nocheck')) continue
    const line = text.slice(0, match.index).split('\n').length
    examples.push({ name: `${basename(file, '.md')}-${line}`, code, runs: !info.includes('norun') })
  }
  return examples
}

const guides = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'))
const examples = [join(root, 'README.md'), ...guides.map((name) => join(root, 'docs', name))].flatMap(
  examplesOf,
)
const fileOf = ({ name }: Example) => join(folder, `${name}.ts`)

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const example of examples) writeFileSync(fileOf(example), `${example.code}\nexport {}\n`)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('examples in the documentation', () => {
  it('compile under strict', { timeout: 60_000 }, () => {
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
    expect(examples.length).toBeGreaterThan(8)
  })
})
