import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { RunRequest, RunResult, WorkerStart } from './messages.ts'

const script = fileURLToPath(new URL('worker.ts', import.meta.url))

/** One long-lived process; killed and started again when a mutant never ends. */
class Worker {
  #child: ChildProcess | undefined
  readonly #start: WorkerStart

  constructor(start: WorkerStart) {
    this.#start = start
  }

  async #running(): Promise<ChildProcess> {
    if (this.#child) return this.#child
    const stdio = ['ignore', 'ignore', 'inherit', 'ipc'] as const
    const child = fork(script, { execArgv: ['--import', 'tsx'], stdio: [...stdio] })
    this.#child = child
    child.send(this.#start)
    const [ready] = await Promise.race([once(child, 'message'), once(child, 'exit').then(() => [])])
    if (!ready)
      throw new Error('the process with vitest does not start: run test/mutants/random/worker.ts by hand')
    return child
  }

  /** `undefined` when the tests did not end in time. */
  async run(request: RunRequest, timeoutMs: number): Promise<RunResult | undefined> {
    const child = await this.#running()
    const ended = new AbortController()
    const { signal } = ended
    let timer: NodeJS.Timeout | undefined
    try {
      child.send(request)
      return await Promise.race([
        once(child, 'message', { signal }).then(([result]) => result as RunResult),
        once(child, 'exit', { signal }).then((): RunResult => {
          this.#child = undefined
          return { times: [], killedBy: 'the end of the process' }
        }),
        new Promise<undefined>((resolve) => {
          timer = setTimeout(() => resolve(undefined), timeoutMs)
        }),
      ])
    } finally {
      clearTimeout(timer)
      ended.abort()
    }
  }

  stop(): void {
    this.#child?.kill('SIGKILL')
    this.#child = undefined
  }
}

/** Runs of tests on several processes, each taking the next when it is free. */
export class Pool {
  readonly #workers: Worker[]

  constructor(start: WorkerStart, size: number) {
    this.#workers = Array.from({ length: size }, () => new Worker(start))
  }

  /** Ends early, without an error, when the pool is stopped. */
  async each<T>(
    tasks: readonly T[],
    request: (task: T) => RunRequest & { timeoutMs: number },
    done: (task: T, result: RunResult | undefined) => void,
  ): Promise<void> {
    const left = [...tasks]
    const work = async (worker: Worker) => {
      for (let task = left.shift(); task !== undefined && !this.#stopped; task = left.shift()) {
        const { timeoutMs, ...wanted } = request(task)
        const result = await worker.run(wanted, timeoutMs)
        if (this.#stopped) return
        if (!result) worker.stop()
        done(task, result)
      }
    }
    await Promise.all(this.#workers.map(work))
  }

  #stopped = false

  get isStopped(): boolean {
    return this.#stopped
  }

  stop(): void {
    this.#stopped = true
    for (const worker of this.#workers) worker.stop()
  }
}
