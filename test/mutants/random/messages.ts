/** What a worker is started with. */
export interface WorkerStart {
  root: string
  dynamoEndpoint: string
  /** Path and text of every file with mutants in it. */
  sources: readonly (readonly [path: string, text: string])[]
  /** Where the test files of a watched run say which mutants they pass by. */
  passedBy: string
}

export interface RunRequest {
  /** -1: none is on, the tests are watched. */
  mutant: number
  /** Test files in their order. */
  files: readonly string[]
  /** Stop at the first failure. */
  bail: boolean
}

export interface RunResult {
  times: readonly { file: string; ok: boolean; ms: number }[]
  /** The test that failed first. */
  killedBy?: string
  /** The run itself broke. */
  fault?: string
}
