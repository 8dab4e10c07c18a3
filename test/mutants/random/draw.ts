import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { Random } from '../../../src/testing/random.ts'
import { mutantsOf, type RandomMutant } from './operators.ts'

/** Rooms with logic below all others. */
export const core = ['engine', 'coordination', 'dynamo', 'lru', 'transactions', 'worker', 'memory', 'model']
/** What is built upon them, and the client of one's own. */
export const upper = ['collections', 'schedules', 'streams', 'jobs', 'recipes', 'direct']

/** Files below a folder of the project, in order. */
export const filesIn = (root: string, folder: string, ending: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .map((file) => join(folder, file))
    .sort()

/** Run in a thread that loads its own files, where no mutant is switched on. */
const inThread = ['src/coordination/beat-board.ts', 'src/coordination/heartbeat-worker.ts']

/** Every mutant of the rooms, in the order of the files. */
export function allMutants(root: string, rooms: readonly string[] = [...core, ...upper]): RandomMutant[] {
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

/** Looks at many files at once: a check of the compiler costs more than what is changed in it. */
class Checked {
  readonly #root: string
  readonly #changed = new Map<string, { text: string; version: number }>()
  readonly #service: ts.LanguageService

  constructor(root: string) {
    this.#root = root
    const config = ts.getParsedCommandLineOfConfigFile(join(root, 'tsconfig.json'), {}, {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
        throw new Error(ts.flattenDiagnosticMessageText(messageText, '\n'))
      },
    } as ts.ParseConfigFileHost)!
    const changed = this.#changed
    const read = (file: string) => changed.get(file)?.text ?? ts.sys.readFile(file)
    this.#service = ts.createLanguageService({
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
  }

  #put(file: string, text: string): void {
    this.#changed.set(file, { text, version: (this.#changed.get(file)?.version ?? 0) + 1 })
  }

  /** Those that do not compile, of mutants of as many files. */
  refused(mutants: readonly RandomMutant[]): RandomMutant[] {
    const pathOf = ({ file }: RandomMutant) => join(this.#root, file)
    const texts = mutants.map((mutant) => ts.sys.readFile(pathOf(mutant))!)
    mutants.forEach((mutant, i) => {
      this.#put(pathOf(mutant), mutated(texts[i]!, mutant))
    })
    const found = mutants.filter((mutant) => {
      const file = pathOf(mutant)
      return (
        this.#service.getSyntacticDiagnostics(file).length > 0 ||
        this.#service.getSemanticDiagnostics(file).length > 0
      )
    })
    mutants.forEach((mutant, i) => {
      this.#put(pathOf(mutant), texts[i]!)
    })
    return found
  }
}

/** In as few groups as there are mutants of one file. */
function inGroups(mutants: readonly RandomMutant[]): RandomMutant[][] {
  const groups: RandomMutant[][] = []
  for (const mutant of mutants) {
    const group = groups.find((some) => some.every(({ file }) => file !== mutant.file))
    if (group) group.push(mutant)
    else groups.push([mutant])
  }
  return groups
}

/**
 * The first mutants that the compiler accepts: what it refuses nobody could commit, and no test has to find it.
 * `told`: how many were looked at.
 */
export function accepted(
  root: string,
  mutants: readonly RandomMutant[],
  wanted: number,
  told: (looked: number) => void = () => {},
): { drawn: RandomMutant[]; refused: number } {
  const checked = new Checked(root)
  const drawn: RandomMutant[] = []
  let looked = 0
  while (drawn.length < wanted && looked < mutants.length) {
    const some = mutants.slice(looked, looked + 100)
    const refused = new Set(inGroups(some).flatMap((group) => checked.refused(group)))
    for (const mutant of some) {
      if (drawn.length === wanted) break
      looked++
      if (!refused.has(mutant)) drawn.push(mutant)
    }
    told(looked)
  }
  return { drawn, refused: looked - drawn.length }
}
