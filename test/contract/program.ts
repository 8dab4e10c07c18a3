import { join, resolve } from 'node:path'
import ts from 'typescript'

const root = resolve(import.meta.dirname, '../..')
const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
const name = join(root, 'test/contract/virtual.ts')

const prelude = `
import { type AtomicDbInterface, type Transaction, absent, allOf, anyOf, atomic, exists, field, not, path } from 'lockrow'
interface Tree { value: number; children: Tree[] }
interface User {
  name: string
  age: number
  tags: string[]
  state: 'open' | 'closed'
  roles: Set<string>
  nick?: string
  big?: bigint
  photo?: Uint8Array
  address?: { city: string; lines: { n: number }[] } | null
  scores: Record<string, number>
  friends: Record<string, { since: number }>
  tree?: Tree
  meta: unknown
  contact: { mail: string } | { phone: number } | string
  'a.b'?: number
}
interface Shoe { stock: number; state: 'open' | 'closed' }
declare const db: AtomicDbInterface
declare const tx: Transaction
declare const i: number
declare const id: string
const key = { pk: 'users', sk: 'ann' }
void [tx, {} as Shoe, absent, allOf, anyOf, atomic, exists, field, not, path, i, id]
`

/** A language service over one file that is not on disk: the prelude and what is asked about. */
export function service(): (code: string) => {
  errors(): string[]
  completions(): string[]
} {
  let text = ''
  let version = 0
  const host: ts.LanguageServiceHost = {
    getCompilationSettings: () => ({ ...options, noUnusedLocals: false }),
    getScriptFileNames: () => [name],
    getScriptVersion: (file) => (file === name ? String(version) : '0'),
    getScriptSnapshot: (file) => {
      const content = file === name ? text : ts.sys.readFile(file)
      return content === undefined ? undefined : ts.ScriptSnapshot.fromString(content)
    },
    getCurrentDirectory: () => root,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: (file) => file === name || ts.sys.fileExists(file),
    readFile: (file) => (file === name ? text : ts.sys.readFile(file)),
    readDirectory: ts.sys.readDirectory,
  }
  const language = ts.createLanguageService(host)
  return (code) => {
    const cursor = code.indexOf('|>')
    text = `${prelude}${code.replace('|>', '')}\nexport {}\n`
    version++
    return {
      errors: () =>
        [...language.getSyntacticDiagnostics(name), ...language.getSemanticDiagnostics(name)].map(
          ({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'),
        ),
      completions: () =>
        (language.getCompletionsAtPosition(name, prelude.length + cursor, {})?.entries ?? []).map(
          (entry) => entry.name,
        ),
    }
  }
}
