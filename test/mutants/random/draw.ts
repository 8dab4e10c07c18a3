import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { Random } from '../../../src/testing/random.ts'
import { mutantsOf, type RandomMutant } from './operators.ts'

const rooms = ['engine', 'coordination', 'dynamo', 'lru', 'transactions', 'worker', 'memory', 'model']

/** Files below a folder of the project, in order. */
export const filesIn = (root: string, folder: string, ending: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .map((file) => join(folder, file))
    .sort()

/** Run in a thread that loads its own files, where no mutant is switched on. */
const inThread = ['src/coordination/beat-board.ts', 'src/coordination/heartbeat-worker.ts']

/** Every mutant of the rooms with logic, in the order of the files. */
export function allMutants(root: string): RandomMutant[] {
  return rooms
    .flatMap((room) => filesIn(root, `src/${room}`, '.ts'))
    .filter((file) => !inThread.includes(file))
    .flatMap((file) => mutantsOf(file, readFileSync(join(root, file), 'utf8')))
}

/** All mutants in an order that the seed decides. */
export function shuffled(mutants: readonly RandomMutant[], seed: string): RandomMutant[] {
  const random = new Random(seed)
  const left = [...mutants]
  for (let i = left.length - 1; i > 0; i--) {
    const j = random.int(i + 1)
    ;[left[i], left[j]] = [left[j]!, left[i]!]
  }
  return left
}

/** The source with the one change. */
export const mutated = (text: string, { start, end, to }: RandomMutant): string =>
  text.slice(0, start) + to + text.slice(end)

/** Says whether the compiler refuses a mutant: nobody could commit it, and no test has to find it. */
export function typeCheck(root: string): (mutant: RandomMutant) => boolean {
  const config = ts.getParsedCommandLineOfConfigFile(join(root, 'tsconfig.json'), {}, {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
      throw new Error(ts.flattenDiagnosticMessageText(messageText, '\n'))
    },
  } as ts.ParseConfigFileHost)!
  const changed = new Map<string, { text: string; version: number }>()
  const read = (file: string) => changed.get(file)?.text ?? ts.sys.readFile(file)
  const service = ts.createLanguageService({
    getCompilationSettings: () => config.options,
    // What a mutant of src does to the tests, they tell when they run.
    getScriptFileNames: () => config.fileNames.filter((file) => file.startsWith(join(root, 'src/'))),
    getScriptVersion: (file) => String(changed.get(file)?.version ?? 0),
    getScriptSnapshot: (file) => {
      const text = read(file)
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text)
    },
    getCurrentDirectory: () => root,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: ts.sys.fileExists,
    readFile: read,
    readDirectory: ts.sys.readDirectory,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories,
  })
  const put = (file: string, text: string) =>
    changed.set(file, { text, version: (changed.get(file)?.version ?? 0) + 1 })
  return (mutant) => {
    const file = join(root, mutant.file)
    const text = ts.sys.readFile(file)!
    put(file, mutated(text, mutant))
    const refused =
      service.getSyntacticDiagnostics(file).length > 0 || service.getSemanticDiagnostics(file).length > 0
    put(file, text)
    return refused
  }
}
