import type { Worker } from 'node:worker_threads'
import { BackendError, InvalidInput, LeaseLost } from '../errors.ts'
import type { AtomicDbItemKey, AtomicDbItemsInterface } from '../interface.ts'
import { systemRuntime } from '../runtime.ts'
import { BeatBoard } from './beat-board.ts'
import { nameOf } from './coordination-key.ts'
import { ownMs, type Pulse, type Timing } from './heartbeat.ts'
import { errorFromText, type ThreadData, type ThreadMessage } from './heartbeat-messages.ts'
import { LeaseClock } from './lease.ts'
import { keep } from './lease-keeper.ts'

/** The option `thread` of `Liveness`. */
export interface LivenessThread {
  module: URL | string
  execArgv?: readonly string[]
}

/** Beside this file: as it is in the sources, or as it is built. */
const workerFile = (): URL =>
  new URL(`./heartbeat-worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'mjs'}`, import.meta.url)

/** Heartbeats of a thread with a client of its own: they go on while this event loop is blocked. */
export class HeartbeatThread implements Pulse {
  readonly #db: AtomicDbItemsInterface
  readonly #key: AtomicDbItemKey
  readonly #timing: Timing
  readonly #thread: LivenessThread
  readonly #board = new BeatBoard()
  readonly #dead = new AbortController()
  readonly #stop = new AbortController()
  readonly #waiting = new Map<number, (error: Error | undefined) => void>()
  #worker: Worker | undefined
  #started: { resolve: () => void; reject: (error: Error) => void } | undefined
  /** Since the heartbeat of this number. */
  #lease: { count: number; of: LeaseClock } | undefined
  #messages = 0

  constructor(db: AtomicDbItemsInterface, key: AtomicDbItemKey, timing: Timing, thread: LivenessThread) {
    this.#db = db
    this.#key = key
    this.#timing = timing
    this.#thread = thread
  }

  get signal(): AbortSignal {
    return this.#dead.signal
  }

  get leftMs(): number {
    if (this.#dead.signal.aborted) return 0
    const last = this.#board.read()
    if (!last) return 0
    if (this.#lease?.count !== last.count)
      this.#lease = { count: last.count, of: new LeaseClock(systemRuntime, ownMs(this.#timing), last.sent) }
    const left = this.#lease.of.leftMs
    if (left <= 0)
      this.#end(`no heartbeat for ${ownMs(this.#timing)} ms: others may take this process for dead`)
    return left
  }

  async start(): Promise<void> {
    const { module, execArgv } = this.#thread
    const data: ThreadData = {
      module: String(module),
      key: this.#key,
      timing: this.#timing,
      board: this.#board.buffer,
    }
    // Loaded where a thread is used: it is 2 ms of a cold start.
    const { Worker } = await import('node:worker_threads')
    const worker = new Worker(workerFile(), {
      workerData: data,
      name: 'lockrow liveness',
      ...(execArgv && { execArgv: [...execArgv] }),
    })
    this.#worker = worker
    // What is lost is never revived: the thread and its client would stay for nothing.
    this.#dead.signal.addEventListener('abort', () => void worker.terminate(), { once: true })
    worker.on('message', (message: ThreadMessage) => this.#hear(message))
    worker.on('error', (error) => this.#crashed(error))
    worker.on('exit', (code) => this.#crashed(new Error(`the thread ended with code ${code}`)))
    try {
      await new Promise<void>((resolve, reject) => {
        this.#started = { resolve, reject }
      })
    } catch (error) {
      this.#stop.abort()
      await worker.terminate()
      throw error
    }
    worker.unref()
    void keep({
      runtime: systemRuntime,
      lease: this,
      everyMs: Number.POSITIVE_INFINITY,
      extend: async () => {},
      isLost: () => false,
      overdue: () => this.#lost('no heartbeat in time: others may take this process for dead'),
      lost: this.#dead,
      done: this.#stop.signal,
    })
  }

  #hear(message: ThreadMessage): void {
    const error = 'error' in message && message.error ? errorFromText(message.error) : undefined
    switch (message.type) {
      case 'ready':
        this.#started?.resolve()
        break
      case 'failed':
        this.#started?.reject(
          message.field
            ? new InvalidInput(message.field, `cannot be used: ${error!.message}`, { cause: error })
            : new BackendError(`the thread of liveness could not begin: ${error!.message}`, { cause: error }),
        )
        break
      case 'drained':
        this.#waiting.get(message.id)?.(error)
        break
      case 'lost':
        this.#end('the thread of liveness could not go on', error)
    }
  }

  /** Nobody refreshes the row any more: what is held must end before others see it. */
  #crashed(error: Error): void {
    if (this.#stop.signal.aborted) return
    const lost = this.#lost(`the thread of liveness has crashed: ${error.message}`, error)
    this.#started?.reject(lost)
    this.#dead.abort(lost)
    for (const settle of this.#waiting.values()) settle(lost)
  }

  async setDraining(draining: boolean): Promise<void> {
    this.#dead.signal.throwIfAborted()
    const worker = this.#worker
    if (!worker) throw this.#lost('not started')
    const id = ++this.#messages
    // The process waits for the answer.
    worker.ref()
    try {
      const error = await new Promise<Error | undefined>((resolve) => {
        this.#waiting.set(id, resolve)
        worker.postMessage({ id, draining })
      })
      if (error) throw error
    } finally {
      this.#waiting.delete(id)
      if (this.#waiting.size === 0) worker.unref()
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    this.#end('stopped')
    await this.#worker?.terminate()
    for (const settle of this.#waiting.values()) settle(this.#lost('stopped'))
    await this.#db.delete(this.#key)
  }

  #end(why: string, cause?: unknown): void {
    this.#dead.abort(this.#lost(why, cause))
  }

  #lost(why: string, cause?: unknown): LeaseLost {
    return new LeaseLost(`${nameOf(this.#key)}: ${why}`, { keys: [this.#key], cause })
  }
}
