import type { Program, Report } from './messages.ts'

/** How long a program may take, ms. */
export const limitMs = 10_000

/** What was started and not awaited may still print for so long, ms. */
const afterwardsMs = 300

export type Ended = Exclude<Report, { type: 'line' }> | { type: 'stopped'; text: string }

export interface Run {
  stop(): void
}

/** Runs a program in a thread of its own. `ended` is called once; lines may follow it for a moment. */
export function runProgram(
  program: Program,
  workerUrl: string,
  line: (line: Extract<Report, { type: 'line' }>) => void,
  ended: (how: Ended) => void,
): Run {
  const worker = new Worker(workerUrl, { type: 'module' })
  let isOver = false
  const end = (how: Ended, graceMs = 0) => {
    if (isOver) return
    isOver = true
    clearTimeout(limit)
    if (graceMs) setTimeout(() => worker.terminate(), graceMs)
    else worker.terminate()
    ended(how)
  }
  const limit = setTimeout(
    () => end({ type: 'stopped', text: `Stopped after ${limitMs / 1000} seconds.` }),
    limitMs,
  )
  worker.onmessage = ({ data }: MessageEvent<Report>) => {
    if (data.type === 'line') line(data)
    else end(data, afterwardsMs)
  }
  worker.onerror = ({ message }) =>
    end({ type: 'failed', text: message || 'The playground could not be loaded: reload the page.' })
  worker.postMessage(program)
  return { stop: () => end({ type: 'stopped', text: 'Stopped.' }) }
}
