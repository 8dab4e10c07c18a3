import type { Process } from './world.ts'

/** What one process believes to hold. */
export interface Belief {
  actor: Process
  /** Beside others of its kind, as readers are. */
  shared: boolean
  /** Asked at any moment at which the process could act. */
  believes(): boolean
}

/**
 * Who believes what at one moment, against what may be. A process that is frozen or dead does nothing, so its belief
 * does not count until it goes on.
 */
export class Ledger {
  readonly #held = new Set<Belief>()
  readonly #permits: number
  readonly #judged: boolean
  /** Who began to ask for it before may have been robbed without knowing. */
  #forcedAt = Number.NEGATIVE_INFINITY
  #forcing = 0
  #over = false

  constructor(options: { permits?: number; judged: boolean }) {
    this.#permits = options.permits ?? 1
    this.#judged = options.judged
  }

  /** From now on until the returned function is called. `since`: when it began to ask for it, simulated ms. */
  enter(belief: Belief, since: number): () => boolean {
    if (this.#forcing === 0 && since > this.#forcedAt) this.#held.add(belief)
    this.look()
    return () => this.#held.delete(belief)
  }

  /** Somebody takes away what others hold: until they are told, what they believe is no anomaly. */
  force(now: () => number): () => void {
    this.#held.clear()
    this.#forcing++
    return () => {
      this.#forcing--
      this.#forcedAt = now()
    }
  }

  look(): void {
    const active = [...this.#held].filter(
      ({ actor, believes }) =>
        !actor.isDead() && actor.process.frozenUntil <= actor.history.now() && believes(),
    )
    const exclusive = active.filter(({ shared }) => !shared)
    const wrong =
      exclusive.length > this.#permits
        ? 'too many holders'
        : exclusive.length > 0 && exclusive.length < active.length && this.#permits === 1
          ? 'reader beside a writer'
          : undefined
    if (!wrong || !this.#judged || this.#over) return
    // One is enough.
    this.#over = true
    active[0]!.actor.anomaly(wrong, `${active.map(({ actor }) => actor.name).join(', ')}`)
  }

  /** Looks every few ms for as long as the run lasts. */
  async watch(observer: Process, over: () => boolean): Promise<void> {
    while (!over()) {
      this.look()
      await observer.process.sleep(25)
    }
  }
}
