import type { Runtime } from '../runtime.ts'
import { NotNow, type Permit, type Permits } from './permits.ts'

/** How long a group that was full is passed over, ms: from the first to the second number, longer each time. */
const passOverMs: readonly [number, number] = [500, 8000]
/** So many groups are remembered. */
const maxGroups = 1000

/** Which groups have as many messages at work as they may, as far as this consumer knows. */
export class FullGroups {
  readonly #runtime: Runtime
  readonly #permitsOf: (group: string) => Permits
  readonly #full = new Map<string, { until: number; times: number }>()

  constructor(runtime: Runtime, permitsOf: (group: string) => Permits) {
    this.#runtime = runtime
    this.#permitsOf = permitsOf
  }

  get names(): string[] {
    const now = this.#runtime.monotonic()
    return [...this.#full].flatMap(([group, { until }]) => (until > now ? [group] : []))
  }

  /** @throws NotNow when the group is full */
  async take(group: string): Promise<Permit> {
    const before = this.#full.get(group)
    if (before && before.until > this.#runtime.monotonic()) throw new NotNow('its group is full')
    try {
      const permit = await this.#permitsOf(group).take()
      this.#full.delete(group)
      return permit
    } catch (error) {
      this.#passOver(group, (before?.times ?? 0) + 1)
      throw error
    }
  }

  give(group: string, permit: Permit): void {
    permit.end()
    // The next one of it may begin here.
    this.#full.delete(group)
  }

  #passOver(group: string, times: number): void {
    const ms = Math.min(passOverMs[1], passOverMs[0] * 2 ** Math.min(times, 10))
    const until = this.#runtime.monotonic() + ms * (0.5 + this.#runtime.random() / 2)
    this.#full.delete(group)
    if (this.#full.size >= maxGroups) this.#full.delete(this.#full.keys().next().value!)
    this.#full.set(group, { until, times })
  }
}
