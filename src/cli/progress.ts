import cliProgress from 'cli-progress'
import { duration } from './format.ts'
import type { Io } from './io.ts'
import type { Work } from './operations/work.ts'

/** Runs long work with a bar on stderr, where that is a terminal. */
export async function withProgress<T>(io: Io, what: string, run: (work: Work) => Promise<T>): Promise<T> {
  if (!io.stderr.isTTY) return run({ stop: io.signal, onProgress: () => {} })
  const bar = new cliProgress.SingleBar({
    stream: io.stderr,
    format: `${what} [{bar}] {value}/{total}{left}`,
    clearOnComplete: true,
    // Ctrl-C is ours.
    gracefulExit: false,
    // Or the bar would be drawn by a timer only, never for work that is over sooner.
    synchronousUpdate: true,
  })
  let begun: number | undefined
  const onProgress = (done: number, total: number) => {
    if (begun === undefined) {
      begun = performance.now()
      bar.start(total, done, { left: '' })
      return
    }
    const seconds = (performance.now() - begun) / 1000
    const left = done > 0 ? `, ${duration((seconds / done) * (total - done))} left` : ''
    bar.update(done, { left })
  }
  try {
    return await run({ stop: io.signal, onProgress })
  } finally {
    if (begun !== undefined) bar.stop()
  }
}
