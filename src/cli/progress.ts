import cliProgress from 'cli-progress'
import type { Io } from './io.ts'
import type { Work } from './operations/work.ts'

/** Runs long work with a bar on stderr, where that is a terminal. */
export async function withProgress<T>(io: Io, what: string, run: (work: Work) => Promise<T>): Promise<T> {
  if (!io.stderr.isTTY) return run({ stop: io.signal, onProgress: () => {} })
  const bar = new cliProgress.SingleBar({
    stream: io.stderr,
    format: `${what} [{bar}] {value}/{total}, {eta_formatted} left`,
    etaBuffer: 50,
    clearOnComplete: true,
    // Ctrl-C is ours.
    gracefulExit: false,
    // Or the bar would be drawn by a timer only, never for work that is over sooner.
    synchronousUpdate: true,
  })
  let started = false
  const onProgress = (done: number, total: number) => {
    if (started) bar.setTotal(total)
    else bar.start(total, done)
    started = true
    bar.update(done)
  }
  try {
    return await run({ stop: io.signal, onProgress })
  } finally {
    if (started) bar.stop()
  }
}
