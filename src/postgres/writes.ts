import { keyOf } from '../model/decided.ts'
import type { Runtime } from '../runtime.ts'
import { type Applied, type RequestOptions, type SingleOperation, StorageFault } from '../storage.ts'
import { type Job, RowJobs, rejectJob } from './batch.ts'
import type { Connection } from './connection.ts'
import { type Entry, inOrder, storedKey } from './entries.ts'
import type { Memo } from './memo.ts'
import type { RowStatements, VersionedRow } from './statements.ts'

/** Rows that one statement writes at most. */
const batchSize = 64
/** Statements under way at once: those that come meanwhile share the next ones. */
const mostBatches = 4
/** How often a row that others change all the time is tried; then the engine waits longer. */
const mostTries = 10
/** The longest wait between two tries, ms. */
const pauseMs = 8

/** What a class that writes works with. */
export interface Writing {
  readonly connection: Connection
  readonly statements: RowStatements
  readonly memo: Memo
  readonly runtime: Pick<Runtime, 'now' | 'sleep' | 'random'>
  /** Called after rows were written. */
  readonly onWritten: (rows: number) => void
}

/** The requests of a batch have changed: it is decided again without those that ended. */
const decideAgain = Symbol('decide again')

/**
 * Guarded operations on single rows: each row is read (or remembered), its operations are decided here, and the result is
 * written if the row still has the version that was read ('optimistic concurrency control', H. T. Kung, J. T. Robinson,
 * ACM TODS 1981). So no lock is held while a request travels. What is asked for at the same time is one statement and one commit;
 * each operation still succeeds or fails by itself.
 */
export class Writes {
  readonly #writing: Writing
  /** By row, in the order of their coming. */
  readonly #waiting = new Map<string, RowJobs>()
  /** Rows of statements under way. */
  readonly #busy = new Set<string>()
  #batches = 0
  #isDue = false

  constructor(writing: Writing) {
    this.#writing = writing
  }

  apply(operation: SingleOperation, options: RequestOptions): Promise<Applied> {
    return new Promise<Applied>((resolve, reject) => {
      const { signal } = options
      const abort = () => rejectJob(job, signal!.reason)
      const done =
        <T>(settle: (value: T) => void) =>
        (value: T) => {
          signal?.removeEventListener('abort', abort)
          settle(value)
        }
      const job: Job = { operation, options, resolve: done(resolve), reject: done(reject) }
      if (signal?.aborted) return abort()
      signal?.addEventListener('abort', abort, { once: true })
      this.#add(job)
    })
  }

  #add(job: Job): void {
    const { id } = storedKey(keyOf(job.operation))
    let row = this.#waiting.get(id)
    if (!row) {
      row = new RowJobs(job.operation)
      this.#waiting.set(id, row)
    }
    row.jobs.push(job)
    if (this.#isDue) return
    this.#isDue = true
    // After all that runs now, so that what is asked for at the same time comes together.
    setImmediate(() => {
      this.#isDue = false
      this.#start()
    })
  }

  #start(): void {
    while (this.#batches < mostBatches) {
      const rows: RowJobs[] = []
      for (const [id, row] of this.#waiting) {
        if (this.#busy.has(id)) continue
        this.#waiting.delete(id)
        rows.push(row)
        if (rows.length === batchSize) break
      }
      if (rows.length === 0) return
      void this.#run(rows)
    }
  }

  async #run(rows: RowJobs[]): Promise<void> {
    this.#batches++
    for (const { key } of rows) this.#busy.add(key.id)
    try {
      await this.#settle(rows)
    } finally {
      this.#batches--
      for (const { key } of rows) this.#busy.delete(key.id)
      this.#start()
    }
  }

  /** Never rejects: what fails is the answer of its jobs. */
  async #settle(rows: RowJobs[]): Promise<void> {
    const { memo, runtime } = this.#writing
    let left = rows
    for (const row of left) {
      row.base = memo.get(row.key)
      row.isFromMemo = row.base !== undefined
    }
    for (let tries = 0; left.length > 0; tries++) {
      try {
        if (tries > 2) await runtime.sleep(runtime.random() * pauseMs)
        left = await this.#try(left)
      } catch (error) {
        if (await this.#eachAlone(left, error)) return
        for (const row of left) this.#fail(row, error)
        return
      }
      if (tries < mostTries) continue
      for (const row of left) this.#fail(row, new StorageFault('conflict', 'the row changes all the time'))
      return
    }
  }

  /** One of them does not fit: the others shall not suffer. */
  async #eachAlone(rows: RowJobs[], error: unknown): Promise<boolean> {
    if (rows.length < 2 || !(error instanceof StorageFault) || error.kind !== 'invalid') return false
    for (const row of rows) await this.#settle([row])
    return true
  }

  #fail(row: RowJobs, error: unknown): void {
    this.#writing.memo.set(row.key, undefined)
    for (const job of row.jobs) if (!job.over) rejectJob(job, error)
  }

  /** Reads, decides and writes. Returns the rows that others have changed meanwhile. */
  async #try(rows: RowJobs[]): Promise<RowJobs[]> {
    await this.#look(rows.filter((row) => row.base === undefined && !row.isBlind))
    const again: RowJobs[] = []
    const decided: { row: RowJobs; entry: Entry; answer: () => void }[] = []
    for (const row of rows) {
      const decision = row.decide()
      if (decision === 'look again') {
        forget(row)
        again.push(row)
      } else if (decision.entry) decided.push({ row, entry: decision.entry, answer: decision.answer })
      else decision.answer()
    }
    if (decided.length === 0) return again
    decided.sort((a, b) => (a.entry.key.id < b.entry.key.id ? -1 : 1))
    const entries = decided.map(({ entry }) => entry)
    const done = await this.#write(
      entries,
      decided.flatMap(({ row }) => row.jobs),
    )
    if (done === decideAgain) return [...again, ...decided.map(({ row }) => row)]
    decided.forEach(({ row, entry, answer }, index) => {
      if (done.has(index)) {
        this.#writing.memo.set(row.key, entry.row && { ver: entry.row.ver, row: entry.row.text })
        answer()
      } else {
        forget(row)
        again.push(row)
      }
    })
    return again
  }

  async #look(rows: RowJobs[]): Promise<void> {
    const { connection, statements, memo } = this.#writing
    if (rows.length === 0) return
    const statement =
      rows.length === 1 ? statements.get(rows[0]!.key) : statements.getMany(rows.map(({ key }) => key))
    const found = (await connection.run(statement)).rows as (VersionedRow | { ver: null })[]
    rows.forEach((row, index) => {
      const { ver, row: text } = (found[index] ?? { ver: null }) as VersionedRow
      row.base = ver === null ? 'none' : { ver, row: text }
      row.isFromMemo = false
      memo.set(row.key, row.base === 'none' ? undefined : row.base)
    })
  }

  /** The places of the entries that were written. */
  async #write(entries: Entry[], jobs: readonly Job[]): Promise<Set<number> | typeof decideAgain> {
    const { connection, statements, onWritten } = this.#writing
    const beforeSending = () => {
      if (jobs.filter((job) => !job.over && !maySend(job)).length > 0) throw decideAgain
    }
    try {
      if (entries.length > 1) {
        const { rows } = await connection.run(statements.each(entries), { beforeSending })
        onWritten(rows.length)
        return new Set((rows as { n: number }[]).map(({ n }) => n - 1))
      }
      const [entry] = entries as [Entry]
      const { rowCount } = await connection.run(statements.one(entry), { beforeSending })
      onWritten(1)
      const isDone = rowCount === 1 || (entry.expected === 'any' && !entry.row)
      return new Set(isDone ? [0] : [])
    } catch (error) {
      if (error === decideAgain) return decideAgain
      throw error
    }
  }

  /** Rows without conditions. What others make at the same moment is written again. */
  async write(given: readonly Entry[], options: RequestOptions): Promise<void> {
    const { connection, statements, memo, onWritten } = this.#writing
    let left = inOrder(given)
    for (let tries = 0; left.length > 0; tries++) {
      if (tries > mostTries) throw new StorageFault('conflict', 'the rows change all the time')
      for (const { key } of left) memo.set(key, undefined)
      const isOne = left.length === 1
      const { rows } = await connection.run(isOne ? statements.one(left[0]!) : statements.each(left), options)
      onWritten(left.length)
      if (isOne) return
      const done = new Set((rows as { n: number }[]).map(({ n }) => n - 1))
      left = left.filter((_, index) => !done.has(index))
    }
  }
}

function forget(row: RowJobs): void {
  row.base = undefined
  row.isFromMemo = false
}

/** Whether a job is still to be sent. */
function maySend(job: Job): boolean {
  try {
    job.options.beforeSending?.()
    return true
  } catch (error) {
    rejectJob(job, error)
    return false
  }
}
