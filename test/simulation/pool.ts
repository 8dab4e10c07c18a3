import { type ChildProcess, fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'

export interface PoolOptions<Task, Result> {
  /** What a child runs: it answers each message with one. */
  script: URL
  /** The next task; undefined: no more. */
  next: () => Task | undefined
  onResult: (result: Result) => void
  signal: AbortSignal
  /** @default as many as there are cores */
  processes?: number
}

/** Gives tasks to child processes, one at a time each, until there are none. No child outlives it. */
export async function runInProcesses<Task extends object, Result>(
  options: PoolOptions<Task, Result>,
): Promise<void> {
  const { script, next, onResult, signal, processes = availableParallelism() } = options
  const work = (child: ChildProcess) =>
    new Promise<void>((resolve, reject) => {
      const feed = () => {
        const task = signal.aborted ? undefined : next()
        if (task) child.send(task)
        else resolve()
      }
      child.on('message', (result: Result) => {
        onResult(result)
        feed()
      })
      child.on('error', reject)
      child.on('exit', (code, killedBy) =>
        signal.aborted ? resolve() : reject(new Error(`a worker ended with ${code ?? killedBy}`)),
      )
      signal.addEventListener('abort', () => resolve())
      feed()
    })
  const children = Array.from({ length: processes }, () => fork(fileURLToPath(script)))
  try {
    await Promise.all(children.map(work))
  } finally {
    for (const child of children) {
      child.removeAllListeners('exit')
      child.kill()
    }
  }
}
