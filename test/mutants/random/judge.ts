import { basename } from 'node:path'
import { nothing, type Selection } from './messages.ts'
import type { RandomMutant } from './operators.ts'
import type { Worker } from './pool.ts'
import type { Outcome } from './report.ts'
import { limitMs, selectionsFor, usualMs, type Watched } from './tests.ts'

export type Numbered = RandomMutant & { index: number }

/** A run that failed, and what has to pass without the mutant for the failure to count. */
interface Suspicion {
  fate: 'killed' | 'timed out'
  by: string
  selection: Selection
}

/** Decides about mutants, one at a time for each worker. */
export class Judge {
  readonly #watched: Watched
  /** Whether a selection passes when no mutant is on. */
  readonly #passes = new Map<string, boolean>()

  constructor(watched: Watched) {
    this.#watched = watched
  }

  async judge(mutant: Numbered, worker: Worker): Promise<Outcome> {
    const started = performance.now()
    const outcome = await this.#fateOf(mutant, worker)
    return { mutant, ms: performance.now() - started, ...outcome }
  }

  async #fateOf(mutant: Numbered, worker: Worker): Promise<Pick<Outcome, 'fate' | 'by'>> {
    let left = selectionsFor(mutant.file, mutant.index, this.#watched)
    if (left.length === 0) return { fate: 'not run by any test' }
    const by = `${left.length} test files pass`
    while (left.length > 0) {
      const suspicion = await this.#suspicion(mutant.index, left, worker)
      if (!suspicion) break
      const { fate, selection } = suspicion
      if (await this.#passesWithout(selection, worker)) return { fate, by: suspicion.by }
      // It fails without the mutant as well, as tests may that need what a skipped one did: once more, whole.
      const at = left.findIndex(({ file }) => file === selection.file)
      left = [...this.#whole(left[at]!), ...left.slice(at + 1)]
    }
    return { fate: 'survived', by }
  }

  /** The first failure with the mutant switched on. */
  async #suspicion(
    mutant: number,
    selections: readonly Selection[],
    worker: Worker,
  ): Promise<Suspicion | undefined> {
    const ended = await worker.run({ mutant, selections, testTimeoutMs: this.#testTimeoutMs(selections) })
    const of = (file: string) => selections.find((selection) => selection.file === file)!
    if ('endless' in ended)
      return {
        fate: 'timed out',
        by: `${basename(ended.endless)} does not end`,
        selection: of(ended.endless),
      }
    if ('exitedAt' in ended)
      return { fate: 'killed', by: 'the end of the process', selection: of(ended.exitedAt) }
    const { failure, fault } = ended.result
    if (fault) throw new Error(fault)
    if (!failure) return undefined
    return { fate: 'killed', by: failure.text, selection: upTo(of(failure.file), failure.test) }
  }

  async #passesWithout(selection: Selection, worker: Worker): Promise<boolean> {
    const name = JSON.stringify(selection)
    const known = this.#passes.get(name)
    if (known !== undefined) return known
    const selections = [selection]
    const ended = await worker.run({
      mutant: nothing,
      selections,
      testTimeoutMs: this.#testTimeoutMs(selections),
    })
    const passes = 'result' in ended && ended.result.fault === undefined && ended.result.failure === undefined
    this.#passes.set(name, passes)
    return passes
  }

  /** All tests of the file, if some of them were skipped; none if they were not. */
  #whole({ file, tests }: Selection): Selection[] {
    const known = this.#watched.files.get(file)!
    const all = known.tests.map(({ id }) => id)
    return tests!.length === all.length ? [] : [{ file, tests: all, limitMs: limitMs(usualMs(known, all)) }]
  }

  /** A test that waits for ever ends after this time: long enough for all of them under load. */
  #testTimeoutMs(selections: readonly Selection[]): number {
    const slowest = selections.flatMap(({ file, tests }) => {
      const wanted = new Set(tests)
      return this.#watched.files.get(file)!.tests.filter(({ id }) => wanted.has(id))
    })
    return slowest.reduce((most, { ms }) => Math.max(most, 8 * ms), 6000)
  }
}

/** The tests until the one that failed. */
function upTo(selection: Selection, test: string | undefined): Selection {
  const at = test === undefined ? -1 : selection.tests!.indexOf(test)
  return at < 0 ? selection : { ...selection, tests: selection.tests!.slice(0, at + 1) }
}
