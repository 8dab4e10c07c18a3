import type { AtomicDbItem, AtomicDbItemKey } from 'lockrow'
import type { SimulatedRuntime, Simulation } from 'lockrow/testing'
import { keyText } from '../../../src/model/keys.ts'
import { equals } from '../../../src/model/values.ts'
import type { Version, Versions } from './versions.ts'

/** Default reads may come from the cache, strong ones never do, eventual ones may be old. */
export type Kind = 'default' | 'strong' | 'eventual'

export type Rule =
  | 'goes back in time'
  | 'misses a write of its own'
  | 'older than maxAgeMs'
  | 'not as strong as the database'
  | 'expired'
  | 'never written'

export interface Finding {
  rule: Rule
  message: string
}

/** A read that has begun: what it may not fall behind. */
export interface Asked {
  key: AtomicDbItemKey
  kind: Kind
  began: number
  beganMs: number
  nowMs: number
  /** The latest states that this cache had shown, and written, before the read began. */
  seen: number
  written: number
}

/**
 * Judges the answers of one cache by its contract, knowing every state that each key was ever in. Where several
 * states fit an answer (two absences), the one that suits the cache is taken.
 */
export class Judge {
  readonly findings: Finding[] = []
  readonly judged: Record<Kind, number> = { default: 0, strong: 0, eventual: 0 }
  readonly #versions: Versions
  readonly #world: Simulation
  readonly #runtime: SimulatedRuntime
  readonly #maxAgeMs: number
  readonly #seen = new Map<string, number>()
  readonly #written = new Map<string, number>()
  /** The latest that the clock of the process has shown: what had expired then may stay absent. */
  #latest = 0

  constructor(
    versions: Versions,
    world: Simulation,
    runtime: SimulatedRuntime,
    maxAgeMs = Number.POSITIVE_INFINITY,
  ) {
    this.#versions = versions
    this.#world = world
    this.#runtime = runtime
    this.#maxAgeMs = maxAgeMs
  }

  /** A write made through this cache has changed a key, whatever its caller was told, or will be. */
  wrote = (key: AtomicDbItemKey, version: number): void => {
    this.#written.set(keyText(key), version)
  }

  ask(key: AtomicDbItemKey, kind: Kind): Asked {
    const text = keyText(key)
    return {
      key,
      kind,
      began: this.#versions.tick(),
      beganMs: this.#world.time,
      nowMs: this.#runtime.now(),
      seen: this.#seen.get(text) ?? 0,
      written: this.#written.get(text) ?? 0,
    }
  }

  answer(asked: Asked, item: AtomicDbItem | undefined): void {
    this.judged[asked.kind]++
    const versions = this.#versions.of(asked.key)
    const fitting = versions.flatMap((version, i) => (this.#fits(version, item) ? [i] : []))
    const allowed = fitting.find((i) => this.#broken(asked, versions[i]!, i, item) === undefined)
    const text = keyText(asked.key)
    if (allowed !== undefined) this.#seen.set(text, Math.max(this.#seen.get(text) ?? 0, allowed))
    else this.#find(asked, item, fitting.at(-1))
  }

  #fits({ item }: Version, answered: AtomicDbItem | undefined): boolean {
    this.#latest = Math.max(this.#latest, this.#runtime.now())
    if (answered !== undefined || item === undefined) return equals(item, answered)
    return item.ttl !== undefined && item.ttl * 1000 <= this.#latest
  }

  #broken(
    asked: Asked,
    { to, toMs }: Version,
    index: number,
    answered: AtomicDbItem | undefined,
  ): Rule | undefined {
    // The clock may have been set back meanwhile.
    const earliest = Math.min(asked.nowMs, this.#runtime.now())
    if (answered?.ttl !== undefined && answered.ttl * 1000 <= earliest) return 'expired'
    if (asked.kind === 'eventual') return undefined
    if (asked.kind === 'strong' && to < asked.began) return 'not as strong as the database'
    if (index < asked.seen) return 'goes back in time'
    if (index < asked.written) return 'misses a write of its own'
    if (toMs <= asked.beganMs - this.#maxAgeMs) return 'older than maxAgeMs'
    return undefined
  }

  #find(asked: Asked, item: AtomicDbItem | undefined, at: number | undefined): void {
    const versions = this.#versions.of(asked.key)
    const rule = at === undefined ? 'never written' : this.#broken(asked, versions[at]!, at, item)!
    const shown = item === undefined ? 'nothing' : JSON.stringify(item.data)
    this.findings.push({
      rule,
      message: `${asked.kind} read of ${asked.key.pk}/${asked.key.sk} at ${asked.beganMs.toFixed(0)} ms answered ${shown}, state ${at} of ${versions.length}; had shown ${asked.seen}, had written ${asked.written}`,
    })
  }
}
