import { AtomicDbError } from '../../errors.ts'
import type { AtomicDbItem, AtomicDbItemKey, CallOptions } from '../../interface.ts'
import { wholeNumber } from '../../model/checks.ts'
import { callOptions, optionsCheck } from '../../model/options-check.ts'
import { hasEnded } from '../../model/promise-clock.ts'
import { rowBytes } from '../../model/sizes.ts'
import type { Row } from '../../storage.ts'
import { NotUnique } from '../errors.ts'
import type { Plan } from '../plan.ts'
import { isItemOf } from '../row-kinds.ts'
import { type CollectionState, completeIn, stateKey, writersIn } from '../state.ts'
import { type Stored, versionOf } from '../stored.ts'
import { type World, worldOf } from '../world.ts'
import { defaultWru, type MigrationProblem } from './options.ts'
import { itemSource } from './source.ts'
import { unitsOf, upgradePlan } from './upgrade-item.ts'

/** What `planMigration` is asked for. */
export interface PlanOptions extends CallOptions {
  /** For the time that it would take. @default 200 */
  readonly wruPerSecond?: number
  /** Called after each page, with the number of rows read. */
  readonly onProgress?: (looked: number) => unknown
}

/** What a migration would do, as of now. */
export interface MigrationPlan {
  readonly collection: string
  readonly version: number
  readonly isComplete: boolean
  readonly items: number
  /** How many items there are of each version. */
  readonly byVersion: Readonly<Record<number, number>>
  /** Items that would be written, and the units for it. */
  readonly toWrite: number
  readonly wru: number
  /** Units for reading, of all passes. */
  readonly rru: number
  /** On demand, in us-east-1 as of 2025: $0.625 for a million WRU, $0.125 for a million RRU. */
  readonly usd: number
  /** With `wruPerSecond`. */
  readonly seconds: number
  /** Programs of earlier versions that may still write, and until when. */
  readonly earlier: readonly { readonly version: number; readonly until: Date }[]
  /** Items that could not be upgraded; at most 100. */
  readonly problems: readonly MigrationProblem[]
}

const checkPlan = /* @__PURE__ */ optionsCheck<PlanOptions>(() => [
  { ...callOptions, wruPerSecond: true, onProgress: true },
])

const pageRows = 200
const mostProblems = 100
const usdPerWru = 0.625 / 1e6
const usdPerRru = 0.125 / 1e6

/**
 * Looks through all items and says what `migrate` would do: how many it would write, what that costs, which of them do not fit.
 * Writes nothing. Reads what one pass reads; of a unique index that is new also each entry, and remembers the values it
 * met (about 100 bytes each).
 *
 * @example
 * const { toWrite, usd, problems } = await planMigration(users)
 */
export async function planMigration(collection: object, options: PlanOptions = {}): Promise<MigrationPlan> {
  checkPlan(options)
  const { wruPerSecond = defaultWru, onProgress, ...call } = options
  wholeNumber(wruPerSecond, 'options.wruPerSecond', { min: 1 })
  const world = worldOf(collection)
  const { db, definition } = world
  const state = (await db.get<CollectionState>(stateKey(definition), call))?.data ?? {}
  const survey = new Survey(world, call)
  const source = itemSource(world)
  let after: AtomicDbItemKey | undefined
  do {
    const page = await source(after, pageRows, call)
    await survey.look(page.items)
    survey.looked += page.looked
    onProgress?.(survey.looked)
    after = page.next
  } while (after)
  const earlier = writersIn(state).filter(
    ({ version, until }) => version < definition.version && !hasEnded(until, db.runtime.now()),
  )
  return survey.plan(completeIn(state) >= definition.version, wruPerSecond, earlier)
}

class Survey {
  readonly #world: World
  readonly #call: CallOptions
  readonly #byVersion: Record<number, number> = {}
  readonly #problems: MigrationProblem[] = []
  /** Of unique indexes: who would have a value. */
  readonly #owners = new Map<string, string>()
  looked = 0
  #items = 0
  #toWrite = 0
  #wru = 0
  #bytes = 0
  #rows = 0

  constructor(world: World, call: CallOptions) {
    this.#world = world
    this.#call = call
  }

  async look(items: readonly AtomicDbItem[]): Promise<void> {
    const { definition } = this.#world
    for (const item of items) {
      this.#bytes += rowBytes(item as unknown as Row)
      this.#rows++
      if (!isItemOf(definition, item)) continue
      this.#items++
      const version = versionOf(item.data as Stored)
      this.#byVersion[version] = (this.#byVersion[version] ?? 0) + 1
      try {
        await this.#lookAt(item)
      } catch (error) {
        const code = error instanceof AtomicDbError ? error.code : 'Error'
        const { message } = error as Error
        if (this.#problems.length < mostProblems)
          this.#problems.push({ key: { pk: item.pk, sk: item.sk }, code, message })
      }
    }
  }

  async #lookAt(item: AtomicDbItem): Promise<void> {
    const plan = await upgradePlan(this.#world, item)
    if (!plan) return
    await this.#checkUnique(plan)
    this.#toWrite++
    this.#wru += unitsOf(this.#world, plan)
  }

  async #checkUnique({ puts, key }: Plan): Promise<void> {
    const { db, definition } = this.#world
    const unique = puts
      .filter(({ entry, isOwned }) => entry.index.unique && !isOwned)
      .map(({ entry }) => entry)
    if (unique.length === 0) return
    const there = await db.getMany(
      unique.map((entry) => entry.key),
      this.#call,
    )
    const own = JSON.stringify(key)
    for (const [i, entry] of unique.entries()) {
      const owner = there[i] ? JSON.stringify(definition.key.of(there[i].data as Stored)) : undefined
      const met = owner ?? this.#owners.get(entry.key.pk) ?? own
      this.#owners.set(entry.key.pk, met)
      if (met === own) continue
      const conflict = { index: 0, key: entry.key, reason: 'condition' as const }
      throw new NotUnique(definition.name, entry.index, JSON.parse(met), conflict)
    }
  }

  plan(
    isComplete: boolean,
    wruPerSecond: number,
    earlier: readonly { version: number; until: number }[],
  ): MigrationPlan {
    const passes = isComplete ? 0 : earlier.length > 0 ? 2 : 1
    // Rows that are read and not sent back are supposed to be as large as those that are.
    const read = this.#rows === 0 ? 0 : this.#bytes * (this.looked / this.#rows)
    const rru = passes * Math.ceil(read / 4096)
    const { name, version } = this.#world.definition
    return {
      collection: name,
      version,
      isComplete,
      items: this.#items,
      byVersion: this.#byVersion,
      toWrite: this.#toWrite,
      wru: this.#wru,
      rru,
      usd: this.#wru * usdPerWru + rru * usdPerRru,
      seconds: Math.ceil(this.#wru / wruPerSecond),
      earlier: earlier.map((one) => ({ version: one.version, until: new Date(one.until) })),
      problems: this.#problems,
    }
  }
}
