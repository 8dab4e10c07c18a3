import assert from 'node:assert/strict'
import type { AtomicDbInterface } from '../../interface.ts'
import { type Runtime, systemRuntime } from '../../runtime.ts'

/** The part of a test framework that the suite needs: vitest's, jest's, mocha's or node:test's functions fit. */
export interface TestFramework {
  describe(name: string, body: () => void): unknown
  it(name: string, body: () => Promise<void>): unknown
  afterAll?(body: () => Promise<void>): unknown
}

/** A backend under test. */
export interface ConformanceBackend {
  /** A database object, another one at every call, all on the same data and on the runtime given to `open`. */
  client(): AtomicDbInterface
  close?(): Promise<void>
}

/** Parts of the contract that can be run alone or left out. */
export type Capability =
  | 'items'
  | 'values'
  | 'queries'
  | 'locks'
  | 'updates'
  | 'conditions'
  | 'transactions'
  | 'queues'
  | 'input'
  | 'scans'

/** What the conformance suite needs to know of a backend. */
export interface ConformanceOptions {
  /** Makes the backend, empty, on this runtime: its clock is moved by the tests to let things expire. */
  open(runtime: Runtime): Promise<ConformanceBackend> | ConformanceBackend
  /** Default: all. */
  capabilities?: readonly Capability[]
}

/** The wall clock, moved ahead by the tests. */
export class TestRuntime implements Runtime {
  #ahead = 0
  now = (): number => systemRuntime.now() + this.#ahead
  monotonic = (): number => systemRuntime.monotonic() + this.#ahead
  random = systemRuntime.random
  sleep = systemRuntime.sleep

  advance(ms: number): void {
    this.#ahead += ms
  }
}

/** What every test works with. */
export interface Kit {
  /** A client of the backend; the same one for the same number. */
  db(client?: number): AtomicDbInterface
  clock: TestRuntime
  test(name: string, body: (pk: string) => Promise<void>): void
}

let counter = 0

export function makeKit(framework: TestFramework, options: ConformanceOptions): Kit {
  const clock = new TestRuntime()
  let backend: Promise<ConformanceBackend> | undefined
  let ready: ConformanceBackend | undefined
  const clients = new Map<number, AtomicDbInterface>()
  framework.afterAll?.(async () => ready?.close?.())
  return {
    clock,
    db(client = 0) {
      if (!ready) throw new Error('the backend is open within a test only')
      const known = clients.get(client) ?? ready.client()
      clients.set(client, known)
      return known
    },
    test(name, body) {
      framework.it(name, async () => {
        backend ??= Promise.resolve(options.open(clock))
        ready = await backend
        await body(`conformance-${counter++}-`)
      })
    },
  }
}

/** The promise is rejected with this code (and field, limit ... where given). */
export async function rejects(
  promise: Promise<unknown>,
  expected: { code: string; [property: string]: unknown },
): Promise<Error & Record<string, unknown>> {
  try {
    await promise
  } catch (error) {
    const found = Object.fromEntries(
      Object.keys(expected).map((name) => [name, (error as Record<string, unknown>)[name]]),
    )
    if (!(error instanceof Error) || found.code !== expected.code) throw error
    assert.deepEqual(found, expected, error.message)
    return error as Error & Record<string, unknown>
  }
  assert.fail(`should be rejected with ${expected.code}`)
}

export const seconds = (clock: TestRuntime, ahead = 0): number => Math.floor(clock.now() / 1000) + ahead

export { assert }
