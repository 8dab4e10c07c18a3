import { absent, allOf, anyOf, type Condition, exists } from '../contract/conditions.ts'
import { BackendError, OutcomeUnknown, RaceCondition } from '../errors.ts'
import type { AtomicDbInterface, CallOptions } from '../interface.ts'
import { identityOf } from '../model/database-identity.ts'
import type { LastCheck } from '../model/last-moment.ts'
import { graceMs, marginMs, PromiseClock } from '../model/promise-clock.ts'
import type { Definition } from './definition.ts'
import { NewerVersion } from './errors.ts'
import { newForms } from './index-forms.ts'
import {
  type CollectionState,
  fenceIn,
  formAttribute,
  formOf,
  formText,
  stateKey,
  writersOf,
} from './state.ts'
import type { World } from './world.ts'

/**
 * Programs of each version say until when they may write, so that a migration knows when the last one of an earlier version
 * has ended: `promise-clock.ts` has the rules. One that is frozen and goes on later finds its time over as the last
 * thing before its request leaves, and once the fence is up it cannot prolong it.
 */

/** How long a registration holds, ms. It is relied on for two thirds of this. */
export const registrationMs = 1_800_000
/** Longer than this after the last write of an earlier version nobody waits for it, ms. */
export const longestWaitMs = registrationMs + graceMs

const attempts = 8

/** The registration of this process, for all collections of this name and version on one database. */
export class Registration {
  readonly #definition: Definition
  readonly #clock: PromiseClock
  #until = Number.NEGATIVE_INFINITY
  #work: Promise<void> | undefined

  constructor(db: AtomicDbInterface, definition: Definition) {
    this.#definition = definition
    this.#clock = new PromiseClock(db.runtime)
  }

  /** The earliest time that it may be, epoch ms. */
  get earliest(): number {
    return this.#clock.earliest()
  }

  get isReliable(): boolean {
    return this.#clock.now() < this.#until
  }

  readonly check: LastCheck = () => {
    if (this.isReliable) return
    throw new RaceCondition(`${this.#definition.name}: this write was kept back too long: plan it again`, [
      { index: 0, key: stateKey(this.#definition), reason: 'conflict' },
    ])
  }

  /** No request while it holds; else 0.5 RRU, and 1 WRU where no process has prolonged it. */
  async ensure(db: AtomicDbInterface, call: CallOptions): Promise<void> {
    while (!this.isReliable) {
      call.signal?.throwIfAborted()
      if (this.#work) {
        // Where it fails, this call tries itself.
        await this.#work.catch(() => {})
        continue
      }
      this.#work = this.#obtain(db, call)
      try {
        await this.#work
      } finally {
        this.#work = undefined
      }
    }
  }

  async #obtain(db: AtomicDbInterface, call: CallOptions): Promise<void> {
    const key = stateKey(this.#definition)
    let state = (await db.get<CollectionState>(key, { ...call, consistent: false }))?.data
    for (let attempt = 0; attempt < attempts; attempt++) {
      if (state) this.#learn(state)
      if (this.isReliable) return
      state = await this.#raise(db, call, state).catch(async (error) => {
        if (!(error instanceof OutcomeUnknown)) throw error
        return (await db.get<CollectionState>(key, { ...call, consistent: true }))?.data
      })
    }
    if (state) this.#learn(state)
    if (!this.isReliable) throw new BackendError(`${this.#definition.name}: writers could not be registered`)
  }

  /** The row as it is then. */
  async #raise(
    db: AtomicDbInterface,
    call: CallOptions,
    state: CollectionState | undefined,
  ): Promise<CollectionState | undefined> {
    const { version } = this.#definition
    const writers = writersOf(version)
    const until = this.#clock.now() + registrationMs
    const set = [
      ...Object.entries({ [writers]: until, ...(state ? newForms(this.#definition, state) : this.#first()) }),
    ]
    const guard = state
      ? allOf(exists, mayWrite(version), anyOf(missing(writers), below(writers, until)))
      : absent
    const { item } = await db.update<CollectionState>(
      stateKey(this.#definition),
      { set: set.map(([name, value]) => [[name], value]) } as never,
      { ...call, if: guard as never },
    )
    return item?.data
  }

  /** Of a collection that nobody has written to: all of its items will be of this version. */
  #first(): Record<string, unknown> {
    const { version, key, indexes } = this.#definition
    const forms = [...indexes.values()].filter(({ retired }) => !retired)
    return {
      fence: version,
      // Items of a table that was there before may be of any.
      complete: key.isListed ? version : 1,
      ...Object.fromEntries(
        forms.map((index) => [formAttribute(index.name), formText(formOf(this.#definition, index))]),
      ),
    }
  }

  /** Throws where this program may not write. */
  #learn(state: CollectionState): void {
    const { name, version } = this.#definition
    const fence = fenceIn(state)
    if (fence > version) throw new NewerVersion(name, fence, version, 'collection')
    const forms = newForms(this.#definition, state)
    const until = state[writersOf(version)]
    // A form that is not written yet is written with the next promise.
    if (typeof until === 'number' && Object.keys(forms).length === 0) this.#until = until - marginMs
  }
}

const missing = (name: string): Condition => [[[name], { exists: false }]] as Condition
const below = (name: string, value: number): Condition => [[[name], { lt: value }]] as Condition
const mayWrite = (version: number): Condition =>
  anyOf(missing('fence'), [[['fence'], { lte: version }]] as Condition)

const all = new WeakMap<object, Map<string, Registration>>()

/** One for each form of a collection and each database. */
export function registrationOf({ db, definition }: World): Registration {
  const identity = identityOf(db)
  let known = all.get(identity)
  if (!known) {
    known = new Map()
    all.set(identity, known)
  }
  const forms = [...definition.indexes.values()].map(
    (index) => index.name + formText(formOf(definition, index)),
  )
  const id = [definition.name, definition.version, ...forms].join(' ')
  let registration = known.get(id)
  if (!registration) {
    registration = new Registration(db, definition)
    known.set(id, registration)
  }
  return registration
}
