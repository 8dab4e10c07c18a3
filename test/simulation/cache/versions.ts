import type { AtomicDbInterface, AtomicDbItem, AtomicDbItemKey } from 'lockrow'
import { AtomicEngine, type Runtime } from 'lockrow/backend'
import type { SimulatedRuntime } from 'lockrow/testing'
import { MemoryStorage } from '../../../src/memory/storage.ts'
import { keyText } from '../../../src/model/keys.ts'
import { toItem } from '../../../src/model/rows.ts'
import { equals } from '../../../src/model/values.ts'

/** A state that a key had, from one moment to the next one. */
export interface Version {
  item: AtomicDbItem | undefined
  /** Moments in the order of events, and in simulated ms. */
  from: number
  to: number
  fromMs: number
  toMs: number
}

/** The one database behind all caches, which notes every state that the keys under watch were ever in. */
export class Versions {
  readonly #storage: MemoryStorage
  readonly #runtime: SimulatedRuntime
  readonly #keys = new Map<string, { key: AtomicDbItemKey; versions: Version[] }>()
  #moment = 0

  constructor(runtime: SimulatedRuntime) {
    this.#runtime = runtime
    this.#storage = new MemoryStorage(runtime)
  }

  /** The database as a process of its own sees it, without any network. */
  open(runtime: Runtime): AtomicDbInterface {
    return new AtomicEngine(this.#storage, { runtime })
  }

  /** The next moment: events of one simulated time have an order too. */
  tick(): number {
    return ++this.#moment
  }

  get keys(): AtomicDbItemKey[] {
    return [...this.#keys.values()].map(({ key }) => key)
  }

  async watch({ pk, sk }: AtomicDbItemKey): Promise<void> {
    const text = keyText({ pk, sk })
    if (this.#keys.has(text)) return
    this.#keys.set(text, { key: { pk, sk }, versions: [] })
    await this.#note(text, () => {})
  }

  of(key: AtomicDbItemKey): readonly Version[] {
    return this.#keys.get(keyText(key))?.versions ?? []
  }

  /** Runs a call as one moment; `changed` is told of every key whose state it changed. */
  async apply<T>(
    call: () => Promise<T>,
    changed: (key: AtomicDbItemKey, version: number) => void,
  ): Promise<T> {
    try {
      return await call()
    } finally {
      for (const text of this.#keys.keys()) await this.#note(text, changed)
    }
  }

  async #note(text: string, changed: (key: AtomicDbItemKey, version: number) => void): Promise<void> {
    const { key, versions } = this.#keys.get(text)!
    const [row] = await this.#storage.read([key])
    const item = row === undefined || row.version !== undefined ? undefined : toItem(row)
    const last = versions.at(-1)
    if (last && equals(last.item, item)) return
    const from = this.tick()
    const fromMs = this.#runtime.monotonic()
    if (last) Object.assign(last, { to: from, toMs: fromMs })
    versions.push({ item, from, to: Number.POSITIVE_INFINITY, fromMs, toMs: Number.POSITIVE_INFINITY })
    changed(key, versions.length - 1)
  }

  /** The state of a key at an earlier time, as a replica that lags would tell it. */
  at(key: AtomicDbItemKey, ms: number, now: number): AtomicDbItem | undefined {
    const item = this.of(key).find((version) => version.toMs > ms)?.item
    const live = item !== undefined && (item.ttl === undefined || item.ttl * 1000 > now)
    return live ? structuredClone(item) : undefined
  }
}
