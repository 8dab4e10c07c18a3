/** What a worker is started with. */
export interface WorkerStart {
  root: string
  dynamoEndpoint: string
  /** Path and text of every file with mutants in it. */
  sources: readonly (readonly [path: string, text: string])[]
  /** Where the test files of a watched run say which mutants they pass by. */
  passedBy: string
}

/** A test file, or some of its tests. */
export interface Selection {
  file: string
  /** Ids of tests, in their order; the others are skipped. Undefined: all of them run. */
  tests?: readonly string[]
  /** The file counts as endless when it takes longer, ms. */
  limitMs: number
}

/** What a run switches on: the number of a mutant, or one of these. */
export const nothing = -2
/** Nothing is on, and the tests tell which mutants they pass by. */
export const watching = -1

export interface RunRequest {
  mutant: number
  /** In their order. The run ends at the first failure, unless it watches. */
  selections: readonly Selection[]
  /** Bound on one test, ms. */
  testTimeoutMs: number
}

export interface FileResult {
  file: string
  ok: boolean
  /** Without the tests. */
  overheadMs: number
  /** Tests that ran, in their order. */
  tests: readonly { id: string; ms: number }[]
}

/** Where a run failed. */
export interface Failure {
  file: string
  /** Undefined: the file failed as a whole. */
  test?: string
  text: string
}

export interface RunResult {
  files: readonly FileResult[]
  /** The first one. */
  failure?: Failure
  /** The run itself broke. */
  fault?: string
}

/** What a worker says: it can begin, it comes to a file, it is done. */
export type Said = { ready: true } | { at: string } | { done: RunResult }
