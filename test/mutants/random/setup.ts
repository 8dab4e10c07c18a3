/**
 * Setup of every test file of a run: switches the run's mutant on and skips the tests that do not pass by it, or notes
 * which tests pass by which mutants.
 */
import { appendFileSync } from 'node:fs'
import { afterAll, afterEach, beforeEach, inject } from 'vitest'
import { watching } from './messages.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Number of the mutant that is on, or what else the run does. */
    mutant: number
    /** By file, the tests that run; a file that is not in it runs whole. */
    selected: Record<string, readonly string[]>
    /** File for what a watched run passes by, one line of JSON for each test file. */
    passedBy: string
  }
}

/** What is passed by outside of tests, as at the loading of a module, concerns all tests of the file. */
const outside = new Set<number>()
const byTest: Record<string, Set<number>> = {}
let seen = outside
const note = (index: number): void => {
  seen.add(index)
}

const mutant = inject('mutant')
const isWatched = mutant === watching
Object.assign(globalThis, {
  /** `isProbed`: the functions that use what it is part of call `__passes`, so that it does not count by itself. */
  __isMutant: (index: number, isProbed?: true) => {
    if (isWatched && !isProbed) note(index)
    return index === mutant
  },
  ...(isWatched && { __passes: note }),
})

const selected = inject('selected')
let file = ''

beforeEach(({ task, skip }) => {
  file = task.file.filepath
  const wanted = selected[file]
  if (wanted && !wanted.includes(task.id)) skip()
  // Of tests at once it cannot be said which one passes by.
  if (isWatched && !task.concurrent) {
    seen = new Set()
    byTest[task.id] = seen
  }
})

afterEach(() => {
  seen = outside
})

afterAll(() => {
  if (!isWatched) return
  const tests = Object.entries(byTest).map(([id, passed]) => [id, [...passed]])
  const line = { file, outside: [...outside], tests: Object.fromEntries(tests) }
  appendFileSync(inject('passedBy'), `${JSON.stringify(line)}\n`)
})
