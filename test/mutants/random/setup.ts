/** Setup of every test file of a run: switches the run's mutant on, or notes which mutants the tests pass by. */
import { appendFileSync } from 'node:fs'
import { afterAll, beforeEach, inject } from 'vitest'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Number of the mutant that is on; -1 when the tests are only watched. */
    mutant: number
    /** File for what a watched run passes by, one line of JSON for each test file. */
    passedBy: string
  }
}

const mutant = inject('mutant')
const seen = new Set<number>()
Object.assign(globalThis, {
  __isMutant: (index: number) => {
    if (mutant === -1) seen.add(index)
    return index === mutant
  },
})

let file: string | undefined
beforeEach(({ task }) => {
  file = task.file.filepath
})

afterAll(() => {
  if (mutant === -1) appendFileSync(inject('passedBy'), `${JSON.stringify({ file, seen: [...seen] })}\n`)
})
