import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import ts from 'typescript'

/** A program taken from the documentation. */
export interface Example {
  name: string
  code: string
  runs: boolean
}

/**
 * The TypeScript examples of a guide. Examples that need an AWS account or an outer class say ```ts nocheck; those that
 * only compile, ```ts norun; those that go on where the one before ended, ```ts continued.
 */
export function examplesOfGuide(file: string): Example[] {
  const text = readFileSync(file, 'utf8')
  const examples: Example[] = []
  for (const match of text.matchAll(/^```(?:ts|typescript)([^\n]*)\n([\s\S]*?)^```$/gm)) {
    const [, info = '', code = ''] = match
    if (info.includes('nocheck')) continue
    if (info.includes('continued')) {
      examples.at(-1)!.code += code
      continue
    }
    const line = text.slice(0, match.index).split('\n').length
    examples.push({ name: `${basename(file, '.md')}-${line}`, code, runs: !info.includes('norun') })
  }
  return examples
}

/** What the examples of the contract find: `db`, and in it some rows that they read. */
const preamble = `
import { AtomicMemoryDb, lockKey } from 'lockrow'
import type { AtomicDbInterface } from 'lockrow'
const db: AtomicDbInterface = new AtomicMemoryDb()
void lockKey
await db.set([
  { pk: 'users', sk: 'ada', data: { name: 'Ada' } },
  { pk: 'stock', sk: 'shoes', data: { count: 3 } },
  { pk: 'log', sk: '2026-01-01', data: 'started' },
])
await db.queuePush([{ pk: 'jobs', data: { id: 0 } }, { pk: 'jobs', data: { id: 1 } }])
`

/** Each method of an interface, with its `@example`s. */
export interface MethodExamples {
  method: string
  examples: readonly Example[]
}

export function examplesOfMethods(root: string, file: string, name: string): MethodExamples[] {
  const path = join(root, file)
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true)
  const contract = source.statements.find(
    (one): one is ts.InterfaceDeclaration => ts.isInterfaceDeclaration(one) && one.name.text === name,
  )
  if (!contract) throw new Error(`${file} has no interface ${name}`)
  return contract.members.filter(ts.isMethodSignature).map((member) => {
    const method = member.name.getText(source)
    const tags = ts.getJSDocTags(member).filter((tag) => tag.tagName.text === 'example')
    const examples = tags.map((tag, i) => {
      const code = ts.getTextOfJSDocComment(tag.comment) ?? ''
      if (!code.includes(`db.${method}`)) throw new Error(`an example of ${method} does not call it`)
      return { name: `${name}.${method}-${i + 1}`, code: preamble + code, runs: true }
    })
    return { method, examples }
  })
}
