import { duration } from '../format.ts'
import { useClock } from '../live.ts'
import { Badge } from '../parts.tsx'
import type { RecordedCall } from '../types.ts'

const spanMs = 60_000
const slots = 60

const order = ['committed', 'refused', 'failed'] as const

/** How many calls of each outcome ended in each second of the last minute. */
export function slotsOf(calls: readonly RecordedCall[], now: number): number[][] {
  const found = order.map(() => Array.from({ length: slots }, () => 0))
  for (const one of calls) {
    const slot = slots - 1 - Math.floor((now - one.at) / (spanMs / slots))
    if (slot >= 0 && slot < slots) found[order.indexOf(one.outcome)]![slot]!++
  }
  return found
}

/** The last minute, one stacked bar for each second. */
export function Timeline({ calls }: { calls: readonly RecordedCall[] }) {
  const now = useClock()
  const counts = slotsOf(calls, now)
  const highest = Math.max(
    4,
    ...Array.from({ length: slots }, (_, i) => counts.reduce((sum, one) => sum + one[i]!, 0)),
  )
  const totals = counts.map((one) => one.reduce((sum, n) => sum + n, 0))
  const title = `The last ${duration(spanMs)}: ${order.map((name, i) => `${totals[i]} ${name}`).join(', ')}`
  return (
    <section class="panel lanes" aria-label="Timeline">
      <header>
        <h2 class="grow">The last minute</h2>
        <Badge tone="good">{totals[0]} committed</Badge>
        <Badge tone="warn">{totals[1]} refused</Badge>
        <Badge tone="bad">{totals[2]} failed</Badge>
      </header>
      <div class="in">
        <svg viewBox={`0 0 ${slots} 64`} preserveAspectRatio="none" role="img" aria-label={title}>
          {Array.from({ length: slots }, (_, i) => {
            let top = 64
            return order.map((name, lane) => {
              const height = (counts[lane]![i]! / highest) * 62
              top -= height
              return (
                <rect key={`${name} ${i}`} class={name} x={i + 0.1} y={top} width={0.8} height={height} />
              )
            })
          })}
        </svg>
      </div>
    </section>
  )
}
