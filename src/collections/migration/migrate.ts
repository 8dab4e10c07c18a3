import type { Condition } from '../../contract/conditions.ts'
import { AtomicDbError, BackendError, OutcomeUnknown, RaceCondition, Throttled } from '../../errors.ts'
import type { AtomicDbItem, CallOptions } from '../../interface.ts'
import { notify } from '../../model/notify.ts'
import { graceMs, hasEnded } from '../../model/promise-clock.ts'
import { asWriter, writerOf } from '../as-writer.ts'
import { NewerVersion } from '../errors.ts'
import { indexNameOf, isItemOf } from '../row-kinds.ts'
import { type CollectionState, completeIn, fenceIn, stateKey, writersIn, writersOf } from '../state.ts'
import { type World, worldOf } from '../world.ts'
import { eachAtOnce, ownSignal } from './at-once.ts'
import { cleanedForms, garbageIn } from './garbage.ts'
import {
  checkedMigrate,
  type MigrateOptions,
  type MigrationProblem,
  type MigrationProgress,
  type MigrationResult,
} from './options.ts'
import { Pace } from './pace.ts'
import { asRead, changeState, newPass, type Pass, passOf } from './pass.ts'
import { itemSource, type RowPage, tableOf } from './source.ts'
import { type Upgraded, upgradeItem } from './upgrade-item.ts'

/** Rows that one step reads. */
const pageRows = 200
const mostProblems = 100
/** How often programs of earlier versions are looked for while they are waited for, ms. */
const lookMs = 30_000
const itemAttempts = 5

/**
 * Brings all items of a collection to its version, on a live table: upgrades them, fills indexes that are new, removes the
 * rows of those that are retired. It works in pages and keeps in the table how far it is: killed or stopped, the next call goes on
 * there, and several at once do no harm. Items are written under the condition that they are as they were read, so writers of this and of earlier
 * versions go on beside it. Once no program of an earlier version may write any more it goes through all items a last
 * time; then the collection is `complete`, and its new indexes can be read.
 *
 * Reads the partition of the collection where it has one (1 RRU per 4 KB), else the whole table (grant `scan`), once or twice. Writes 1 WRU
 * for an item, with entries 2 for each row.
 *
 * @throws NewerVersion the collection was migrated to a later version.
 * @throws InvalidInput for what is no collection, and options that cannot be.
 *
 * @example
 * const { state, problems, waitUntil } = await migrate(users, { wruPerSecond: 100 })
 */
export async function migrate(collection: object, options: MigrateOptions = {}): Promise<MigrationResult> {
  const world = worldOf(collection)
  return new Migration(world, checkedMigrate(options)).run()
}

type Checked = ReturnType<typeof checkedMigrate>

class Migration {
  readonly #world: World
  readonly #options: Checked
  readonly #call: CallOptions
  readonly #pace: Pace
  readonly #until: number
  readonly #problems: MigrationProblem[] = []
  #looked = 0
  #written = 0
  #removed = 0
  #wru = 0

  constructor(world: World, options: Checked) {
    this.#world = world
    this.#options = options
    const { signal, timeoutMs, wruPerSecond, forMs = Number.POSITIVE_INFINITY } = options
    this.#call = { signal: signal && ownSignal(signal), ...(timeoutMs !== undefined && { timeoutMs }) }
    this.#pace = new Pace(world.db.runtime, wruPerSecond)
    this.#until = world.db.runtime.monotonic() + forMs
  }

  /** Each turn reads the state, and does one thing that follows from it. */
  async run(): Promise<MigrationResult> {
    const { db, definition } = this.#world
    for (;;) {
      await writerOf(this.#world).ensure(db, this.#call)
      const state = (await db.get<CollectionState>(stateKey(definition), this.#call))?.data ?? {}
      const pass = passOf(this.#world, state)
      const later = (state.pass as Pass | undefined)?.to ?? 0
      if (later > definition.version)
        throw new NewerVersion(definition.name, later, definition.version, 'collection')
      const isComplete = completeIn(state) >= definition.version
      if (isComplete && !pass) {
        if (garbageIn(this.#world, state).length === 0) return this.#result('complete')
        await changeState(this.#world, state, { pass: newPass(this.#world, 'clean') }, this.#call)
        continue
      }
      if (this.#isOver()) return this.#result('unfinished')
      const end = !pass || pass.over ? await this.#turn(state, pass) : await this.#step(state, pass)
      if (end) return end
    }
  }

  #isOver(): boolean {
    const { stop } = this.#options
    return stop?.aborted === true || this.#world.db.runtime.monotonic() >= this.#until
  }

  /** From one pass to the next. */
  async #turn(state: CollectionState, pass: Pass | undefined): Promise<MigrationResult | undefined> {
    const { version } = this.#world.definition
    if (pass?.phase === 'clean') return this.#cleaned(state)
    if (pass?.phase === 'last') return this.#lastIsOver(state, pass)
    const earlier = writersIn(state).filter((writers) => writers.version < version)
    const now = writerOf(this.#world).earliest
    if (this.#options.refuseEarlier && fenceIn(state) < version)
      await changeState(this.#world, state, { fence: version }, this.#call, [asRead(state, 'fence')])
    else if (earlier.every(({ until }) => hasEnded(until, now))) await this.#beginLast(state, earlier)
    else if (!pass) await changeState(this.#world, state, { pass: newPass(this.#world, 'fill') }, this.#call)
    else return this.#wait(Math.max(...earlier.map(({ until }) => until)), pass)
    return undefined
  }

  /** The fence goes up only if no program of an earlier version has prolonged its right meanwhile. */
  async #beginLast(state: CollectionState, earlier: readonly { version: number }[]): Promise<void> {
    const { version } = this.#world.definition
    const unchanged = earlier.map((writers): Condition => asRead(state, writersOf(writers.version)))
    const values = { fence: Math.max(version, fenceIn(state)), pass: newPass(this.#world, 'last') }
    this.#problems.length = 0
    await changeState(this.#world, state, values, this.#call, [asRead(state, 'fence'), ...unchanged])
  }

  async #wait(until: number, pass: Pass): Promise<MigrationResult | undefined> {
    const { wait, stop, signal } = this.#options
    this.#tell('waiting', pass)
    const result = this.#result('waiting', until + graceMs)
    if (!wait) return result
    const { runtime } = this.#world.db
    const ms = Math.min(lookMs, Math.max(1, this.#until - runtime.monotonic()))
    const ended = [stop, signal].filter((one) => one !== undefined)
    await runtime.sleep(ms, { signal: ended.length > 0 ? AbortSignal.any(ended) : undefined }).catch(() => {})
    signal?.throwIfAborted()
    return this.#isOver() ? result : undefined
  }

  async #lastIsOver(state: CollectionState, pass: Pass): Promise<MigrationResult | undefined> {
    const { version } = this.#world.definition
    if (pass.blocked === 0) {
      await changeState(this.#world, state, { complete: version, pass: undefined }, this.#call)
      return undefined
    }
    // For the next call, which begins the last pass again.
    await changeState(this.#world, state, { pass: undefined }, this.#call)
    return this.#result('blocked')
  }

  async #cleaned(state: CollectionState): Promise<undefined> {
    const forms = cleanedForms(this.#world, state)
    await changeState(this.#world, state, { ...forms, pass: undefined }, this.#call)
    return undefined
  }

  /** One page. */
  async #step(state: CollectionState, pass: Pass): Promise<undefined> {
    const isClean = pass.phase === 'clean'
    const source = isClean ? tableOf(this.#world) : itemSource(this.#world)
    const page = await source(pass.after, pageRows, this.#call)
    const done = isClean ? await this.#clean(page, garbageIn(this.#world, state)) : await this.#upgrade(page)
    const next: Pass = {
      ...pass,
      step: pass.step + 1,
      over: page.next === undefined,
      looked: pass.looked + page.looked,
      written: pass.written + done.written,
      wru: pass.wru + done.wru,
      blocked: pass.blocked + done.blocked,
    }
    const moved: Pass = page.next ? { ...next, after: page.next } : withoutAfter(next)
    this.#looked += page.looked
    if (isClean) this.#removed += done.written
    else this.#written += done.written
    this.#wru += done.wru
    await changeState(this.#world, state, { pass: moved }, this.#call)
    this.#tell(pass.phase, moved)
    return undefined
  }

  async #upgrade({ items }: RowPage): Promise<Done> {
    const { definition } = this.#world
    const done = { written: 0, wru: 0, blocked: 0 }
    const spend = (wru: number) => this.#pace.spend(wru, this.#call.signal)
    await eachAtOnce(this.#options.concurrency, items, async (item) => {
      if (!isItemOf(definition, item)) return
      try {
        const upgraded = await this.#upgradeOne(item, spend)
        if (upgraded.is === 'left') return
        done.written++
        done.wru += upgraded.wru
      } catch (error) {
        this.#note(item, error)
        done.blocked++
      }
    })
    return done
  }

  /** Others may write the item all the time, and a reply may be lost: it is looked at again. */
  async #upgradeOne(item: AtomicDbItem, spend: (wru: number) => Promise<void>): Promise<Upgraded> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await upgradeItem(this.#world, item, this.#call, spend)
      } catch (error) {
        const isPassing = error instanceof RaceCondition || error instanceof OutcomeUnknown
        if (!isPassing || attempt === itemAttempts) throw error
      }
    }
  }

  /** What only means that this item does not fit is noted; all else ends the run. */
  #note({ pk, sk }: AtomicDbItem, error: unknown): void {
    this.#call.signal?.throwIfAborted()
    if (isTrouble(error)) throw error
    const { message } = error as Error
    const code = error instanceof AtomicDbError ? error.code : 'Error'
    if (this.#problems.length < mostProblems) this.#problems.push({ key: { pk, sk }, code, message })
  }

  /** Entries of indexes that no program has any more. */
  async #clean({ items }: RowPage, names: readonly string[]): Promise<Done> {
    const done = { written: 0, wru: 0, blocked: 0 }
    await eachAtOnce(this.#options.concurrency, items, async (item) => {
      const name = indexNameOf(this.#world.definition, item)
      if (name === undefined || !names.includes(name)) return
      await this.#pace.spend(1, this.#call.signal)
      await asWriter(this.#world, this.#call, (call) =>
        this.#world.db.delete({ pk: item.pk, sk: item.sk }, call),
      )
      done.written++
      done.wru++
    })
    return done
  }

  #tell(phase: MigrationProgress['phase'], { looked, written, wru }: Pass): void {
    const { name, version } = this.#world.definition
    notify(this.#options.onProgress, { collection: name, version, phase, looked, written, wru })
  }

  #result(state: MigrationResult['state'], waitUntil?: number): MigrationResult {
    const { name, version } = this.#world.definition
    return {
      collection: name,
      version,
      state,
      looked: this.#looked,
      written: this.#written,
      removed: this.#removed,
      wru: this.#wru,
      problems: this.#problems,
      ...(waitUntil !== undefined && { waitUntil: new Date(waitUntil) }),
    }
  }
}

interface Done {
  readonly written: number
  readonly wru: number
  readonly blocked: number
}

const withoutAfter = ({ after: _, ...pass }: Pass): Pass => pass

const isTrouble = (error: unknown): boolean =>
  error instanceof BackendError ||
  error instanceof Throttled ||
  error instanceof OutcomeUnknown ||
  error instanceof RaceCondition
