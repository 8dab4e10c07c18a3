/**
 * `tsx bench/run.ts [names...] [--tiny] [--no-save]`: runs the benchmarks named, or all of them, one after another.
 * Each ends by itself within about three minutes.
 */
export interface BenchOptions {
  /** So small that it only shows that it works: for the smoke test. */
  tiny: boolean
}
