import { useEffect, useRef, useState } from 'preact/hooks'
import { serverNow } from './clock.ts'
import { createStore } from './store.ts'

/** Whether views refresh by themselves. They stop when the page is hidden, and after a while without a hand on it. */
export const live = createStore<'on' | 'off' | 'asleep'>('on')

const asleepAfterMs = 5 * 60_000
let touchedAt = Date.now()

/** A hand on the page: what fell asleep goes on. */
export function followHands(): void {
  const touched = () => {
    touchedAt = Date.now()
    if (live.get() === 'asleep') live.set('on')
  }
  for (const type of ['pointerdown', 'keydown', 'wheel', 'visibilitychange'])
    addEventListener(type, touched, { passive: true })
}

const isAwake = (): boolean => {
  if (live.get() !== 'on' || document.visibilityState === 'hidden') return false
  if (Date.now() - touchedAt < asleepAfterMs) return true
  live.set('asleep')
  return false
}

/** Runs `refresh` now and then again, one at a time, while somebody looks. `key` begins anew. */
export function useLive(
  key: string,
  everyMs: number,
  refresh: (signal: AbortSignal, isFirst: boolean) => Promise<unknown>,
): () => void {
  const latest = useRef(refresh)
  latest.current = refresh
  const again = useRef(() => {})
  useEffect(() => {
    const ended = new AbortController()
    let busy = false
    const run = async (isFirst: boolean) => {
      if (busy) return
      busy = true
      await latest.current(ended.signal, isFirst).catch(() => {})
      busy = false
    }
    again.current = () => void run(true)
    void run(true)
    const timer = setInterval(() => isAwake() && void run(false), everyMs)
    return () => {
      ended.abort()
      clearInterval(timer)
    }
  }, [key, everyMs])
  return () => again.current()
}

/** The time of the server, at each step of a clock of the page. */
export function useClock(everyMs = 1000): number {
  const [now, setNow] = useState(serverNow())
  useEffect(() => {
    const timer = setInterval(() => setNow(serverNow()), everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  return now
}
