import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { RunRequest, RunResult, Said, WorkerStart } from './messages.ts'

const script = fileURLToPath(new URL('worker.ts', import.meta.url))

/** How a run ended: as it should, with a test file that does not end, or with the end of the process. */
export type Ended = { result: RunResult } | { endless: string } | { exitedAt: string }

/** One long-lived process; killed and started again when a mutant never ends. */
export class Worker {
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

  async run(request: RunRequest): Promise<Ended> {
    const child = await this.#running()
    const limits = new Map(request.selections.map(({ file, limitMs }) => [file, limitMs]))
    let at = request.selections[0]!.file
    let timer: NodeJS.Timeout | undefined
    const ended = await new Promise<Ended>((resolve) => {
      const begin = (file: string) => {
        at = file
        clearTimeout(timer)
        timer = setTimeout(() => resolve({ endless: file }), limits.get(file))
      }
      child.removeAllListeners('message').on('message', (said: Said) => {
        if ('at' in said) begin(said.at)
        else if ('done' in said) resolve({ result: said.done })
      })
      child.removeAllListeners('exit').on('exit', () => resolve({ exitedAt: at }))
      begin(at)
      child.send(request)
    })
    clearTimeout(timer)
    if (!('result' in ended)) this.stop()
    return ended
  }

  stop(): void {
    this.#child?.kill('SIGKILL')
    this.#child = undefined
  }
}

/** Work on several processes, each taking the next task when it is free. */
export class Pool {
  readonly #workers: Worker[]
  #stopped = false

  constructor(start: WorkerStart, size: number) {
    this.#workers = Array.from({ length: size }, () => new Worker(start))
  }

  /** Ends early, without an error, when the pool is stopped. */
  async each<T>(tasks: readonly T[], work: (task: T, worker: Worker) => Promise<void>): Promise<void> {
    const left = [...tasks]
    const serve = async (worker: Worker) => {
      for (let task = left.shift(); task !== undefined && !this.#stopped; task = left.shift())
        await work(task, worker)
    }
    await Promise.all(this.#workers.map(serve))
  }

  get isStopped(): boolean {
    return this.#stopped
  }

  stop(): void {
    this.#stopped = true
    for (const worker of this.#workers) worker.stop()
  }
}
