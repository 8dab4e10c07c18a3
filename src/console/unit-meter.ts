import { AsyncLocalStorage } from 'node:async_hooks'

/** Read and write units. */
export interface Units {
  read: number
  write: number
}

/** What calls of one name have spent. */
export interface UnitTotal extends Units {
  name: string
  calls: number
}

const reads = new Set(['GetItem', 'BatchGetItem', 'TransactGetItems', 'Query', 'Scan'])
const isRead = (operation: string): boolean => reads.has(operation.replace(/Command$/, ''))

/**
 * Adds up the units that requests consume, by the call that sent them. Something must tell it: `onRequest` of
 * `directClient`, or `add`.
 *
 * @example
 * ```ts
 * const meter = new UnitMeter()
 * const client = directClient({ region: 'eu-west-1', onRequest: meter.onRequest })
 * ```
 */
export class UnitMeter {
  readonly #calls = new AsyncLocalStorage<Units>()
  readonly #totals = new Map<string, UnitTotal>()
  readonly #all: Units = { read: 0, write: 0 }
  #isUsed = false

  /** For `onRequest` of `lockrow/direct`. */
  readonly onRequest = ({ operation, units }: { operation: string; units?: number | undefined }): void => {
    if (units !== undefined) this.add(isRead(operation) ? { read: units } : { write: units })
  }

  /** Counts units for the call that is under way. */
  add({ read = 0, write = 0 }: Partial<Units>): void {
    this.#isUsed = true
    for (const sum of [this.#all, this.#calls.getStore()])
      if (sum) {
        sum.read += read
        sum.write += write
      }
  }

  /** False: nobody has told it of any request, so that zeros mean nothing. */
  get isUsed(): boolean {
    return this.#isUsed
  }

  /** All units so far. */
  get all(): Readonly<Units> {
    return { ...this.#all }
  }

  /** What each name has spent, the dearest first. */
  get totals(): UnitTotal[] {
    return [...this.#totals.values()]
      .map((total) => ({ ...total }))
      .sort((a, b) => b.read + b.write - a.read - a.write)
  }

  /** Runs a call under a name. `spent` also counts when it fails. */
  async measure<T>(name: string, run: () => Promise<T>, spent: Units = { read: 0, write: 0 }): Promise<T> {
    try {
      return await this.#calls.run(spent, run)
    } finally {
      const total = this.#totals.get(name) ?? { name, calls: 0, read: 0, write: 0 }
      total.calls++
      total.read += spent.read
      total.write += spent.write
      this.#totals.set(name, total)
    }
  }
}
