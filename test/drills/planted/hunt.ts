import { fork } from 'node:child_process'
import { bundle } from './bundle.ts'
import type { Hunt, Report } from './child.ts'
import type { Defect } from './defect.ts'

export interface HuntOptions {
  first: number
  seeds: number
  signal: AbortSignal
  onSeed?: (seed: number) => void
}

export interface Hunted {
  /** The seed with which it was found; undefined: it was not. */
  seed?: number
  /** All kinds of anomalies that were seen. */
  kinds: string[]
  /** What is wrong with the hunt itself. */
  trouble?: string
}

/** One seed takes seconds; one that does not end counts as not found. */
const longestSeedMs = 180_000

/**
 * Plants the defect and drills until it is found. The same seed must find nothing in the library as it is: else what
 * was found is not the defect.
 */
export async function hunt(defect: Defect, options: HuntOptions): Promise<Hunted> {
  const planted = await bundle(defect.name, defect.patches)
  const result = await drillInChild(planted, { ...ask(defect, options), found: defect.found.source }, options)
  if (result.seed === undefined) return result
  sound ??= bundle('sound', [])
  const once = { ...ask(defect, options), first: result.seed, seeds: 1 }
  const control = await drillInChild(await sound, once, { ...options, onSeed: undefined })
  if (control.kinds.length === 0 && !control.trouble) return result
  const trouble = `without the defect: ${control.trouble ?? control.kinds.join(', ')}`
  return { kinds: result.kinds, trouble }
}

/** The library as it is: the same for all defects. */
let sound: Promise<string> | undefined

const ask = ({ drill }: Defect, { first, seeds }: HuntOptions): Hunt => ({ drill, first, seeds })

function drillInChild(script: string, hunt: Hunt, { signal, onSeed }: HuntOptions): Promise<Hunted> {
  return new Promise((resolve) => {
    const child = fork(script, [JSON.stringify(hunt)], {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    const kinds = new Set<string>()
    let seed: number | undefined
    let complaint = ''
    let trouble: string | undefined
    let timer: NodeJS.Timeout | undefined
    const kill = (why: string) => {
      trouble = why
      child.kill('SIGKILL')
    }
    const watch = () => {
      clearTimeout(timer)
      timer = setTimeout(() => kill(`a seed takes longer than ${longestSeedMs / 1000} s`), longestSeedMs)
    }
    const stop = () => kill('stopped')
    signal.addEventListener('abort', stop, { once: true })
    watch()
    child.stderr!.on('data', (text) => {
      complaint = `${complaint}${text}`.slice(-2000)
    })
    child.on('message', (report: Report) => {
      watch()
      for (const kind of report.kinds) kinds.add(kind)
      if (report.found) seed = report.seed
      onSeed?.(report.seed)
    })
    child.on('close', (code) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      if (code !== 0) trouble ??= `the child ended with ${code}: ${complaint}`
      resolve({ kinds: [...kinds], ...(seed !== undefined && { seed }), ...(trouble && { trouble }) })
    })
    if (signal.aborted) stop()
  })
}
