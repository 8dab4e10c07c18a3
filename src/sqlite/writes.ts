import type { Runtime } from '../runtime.ts'
import { type RequestOptions, StorageFault } from '../storage.ts'
import type { SqliteDatabase, SqliteStatement } from './driver.ts'
import { isBusy, toFault } from './faults.ts'
import { rollBack } from './schema.ts'
import type { Turns } from './turns.ts'

/** Requests that one commit takes at most: the program goes on between two commits. */
const groupSize = 128
/** The longest pause between two looks at a lock that somebody else holds, ms. */
const pauseMs = 4

interface Job {
  /** Reads, decides, writes. Throws before its first write, or with the driver's own error. */
  run: () => unknown
  options: RequestOptions
  /** By the monotonic clock: how long to wait for the lock. */
  until: number
  resolve: (value: never) => void
  reject: (error: unknown) => void
}

/**
 * All writes of a connection, in their order. What was asked for at the same time is committed together ('group commit',
 * D. J. DeWitt et al., Implementation Techniques for Main Memory Database Systems, SIGMOD 1984): to commit costs
 * more than to write. Each request still succeeds or fails by itself, and is answered after its commit.
 */
export class Writes {
  readonly #database: SqliteDatabase
  readonly #begin: SqliteStatement
  readonly #end: SqliteStatement
  readonly #where: string
  readonly #runtime: Pick<Runtime, 'monotonic' | 'sleep' | 'random'>
  readonly #turns: Turns
  readonly #waitMs: number
  /** Runs in each commit, last. */
  readonly #housekeeping: (writes: number) => void
  #jobs: Job[] = []
  #draining: Promise<void> | undefined

  constructor(
    database: SqliteDatabase,
    options: {
      where: string
      runtime: Pick<Runtime, 'monotonic' | 'sleep' | 'random'>
      turns: Turns
      waitMs: number
      housekeeping: (writes: number) => void
    },
  ) {
    this.#database = database
    this.#begin = database.prepare('BEGIN IMMEDIATE')
    this.#end = database.prepare('COMMIT')
    this.#where = options.where
    this.#runtime = options.runtime
    this.#turns = options.turns
    this.#waitMs = options.waitMs
    this.#housekeeping = options.housekeeping
  }

  /** Runs a request inside of a transaction that holds the lock for writing. Rejects with a fault. */
  submit<T>(run: () => T, options: RequestOptions): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const until = this.#runtime.monotonic() + this.#waitMs
      this.#jobs.push({ run, options, until, resolve, reject })
      this.#draining ??= this.#drain()
    })
  }

  /** Resolves when all that was submitted is answered. */
  async idle(): Promise<void> {
    while (this.#draining) await this.#draining
  }

  async #drain(): Promise<void> {
    // After all that runs now, so that what is asked for at the same time comes together.
    await this.#turns.next()
    while (this.#jobs.length > 0) {
      const jobs = this.#jobs.splice(0, groupSize).filter(isWanted)
      if (this.#commit(jobs)) await (this.#jobs.length > 0 ? this.#turns.next() : undefined)
      else {
        this.#jobs.unshift(...jobs.filter((job) => this.#mayWait(job)))
        await this.#runtime.sleep(this.#runtime.random() * pauseMs)
      }
    }
    this.#draining = undefined
  }

  /** Commits the requests together; where that fails, each alone. False: another connection has the lock. */
  #commit(jobs: readonly Job[]): boolean {
    if (jobs.length === 0) return true
    let isCommit = false
    let answers: (() => void)[]
    try {
      this.#begin.run()
    } catch (error) {
      if (isBusy(error)) return false
      const fault = toFault(error, this.#where)
      for (const job of jobs) job.reject(fault)
      return true
    }
    try {
      answers = jobs.map(answerOf)
      this.#housekeeping(jobs.length)
      isCommit = true
      this.#end.run()
    } catch (error) {
      rollBack(this.#database)
      this.#failed(jobs, toFault(error, this.#where, isCommit))
      return true
    }
    for (const answer of answers) answer()
    return true
  }

  /** Nothing was written, unless nobody can tell: then it is not tried again here. */
  #failed(jobs: readonly Job[], fault: unknown): void {
    const isUnknown = fault instanceof StorageFault && fault.kind === 'unknown'
    if (jobs.length === 1 || isUnknown) for (const job of jobs) job.reject(fault)
    else
      for (const job of jobs)
        if (!this.#commit([job])) job.reject(new StorageFault('throttled', `${this.#where} is locked`))
  }

  #mayWait(job: Job): boolean {
    if (this.#runtime.monotonic() < job.until) return true
    job.reject(new StorageFault('throttled', `${this.#where} is locked by another connection`))
    return false
  }
}

/** A request whose caller has gone was not sent. */
function isWanted({ options, reject }: Job): boolean {
  if (!options.signal?.aborted) return true
  reject(options.signal.reason)
  return false
}

/** Runs a request; what it decides before it writes anything is its answer, an error too. */
function answerOf({ run, options, resolve, reject }: Job): () => void {
  try {
    options.beforeSending?.()
    const value = run()
    return () => resolve(value as never)
  } catch (error) {
    if (!(error instanceof StorageFault)) throw error
    return () => reject(error)
  }
}
