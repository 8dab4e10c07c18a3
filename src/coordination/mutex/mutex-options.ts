import { InvalidInput } from '../../errors.ts'
import { checkBoolean, checkOptions, milliseconds, suggestion } from '../../model/checks.ts'
import { checkTolerance } from '../lease.ts'
import type { Liveness } from '../liveness.ts'

/** Options of `Mutex`. */
export interface MutexOptions {
  /** How long it is held without being extended, ms. `null`: until it is released. */
  ttlMs: number | null
  /**
   * `wall`: deadlines are compared by wall clock; a contender waits `clockToleranceMs` longer. `observed`: no two
   * clocks are compared; a contender takes over when its process has seen the row unchanged for the holder's lease,
   * by its own clock. After a crash that takes up to one lease longer. All contenders of a key use the same.
   * @default 'wall'
   */
  lease?: 'wall' | 'observed'
  /** By how much the clocks of different machines may differ, ms. @default 1000 */
  clockToleranceMs?: number
  /**
   * First come, first served: who waits draws a ticket, which it refreshes (1 WRU each time; `ticketMs`, default
   * 10,000, is how long a crashed waiter is waited for). All contenders of the key must say so; `tryAcquire` succeeds
   * only when nobody waits.
   */
  fair?: boolean | { ticketMs?: number }
  /** How often `run` extends, ms: less than half of `ttlMs`. @default a third of `ttlMs` */
  heartbeatMs?: number
  /** Held together with this process's life: others may take it as soon as the process counts as dead. */
  liveness?: Liveness
  /** Who holds it, for people: `peek` shows it to others. Up to 256 characters. */
  label?: string
}

const optionNames = [
  'ttlMs',
  'lease',
  'clockToleranceMs',
  'fair',
  'heartbeatMs',
  'liveness',
  'label',
] as const

/** The options, checked and with their defaults. */
export interface MutexSettings {
  /** Infinity: until it is released. */
  ttlMs: number
  heartbeatMs: number
  observed: boolean
  toleranceMs: number
  liveness: Liveness | undefined
  label: string | undefined
  /** How long a ticket lasts, ms. Undefined: not fair. */
  ticketMs: number | undefined
}

export function mutexSettings(options: MutexOptions): MutexSettings {
  if (options?.ttlMs === undefined)
    throw new InvalidInput('ttlMs', 'is required: milliseconds, or null for no time to live')
  checkOptions(options, optionNames)
  const ttlMs = options.ttlMs === null ? Number.POSITIVE_INFINITY : milliseconds(options.ttlMs, 'ttlMs')
  return {
    ttlMs,
    observed: isObserved(options),
    toleranceMs: checkTolerance(options.clockToleranceMs),
    liveness: checkLiveness(options.liveness),
    heartbeatMs: checkHeartbeat(options.heartbeatMs, ttlMs),
    label: checkLabel(options.label),
    ticketMs: checkFair(options.fair),
  }
}

function isObserved({ lease = 'wall', ttlMs }: MutexOptions): boolean {
  if (lease !== 'wall' && lease !== 'observed')
    throw new InvalidInput('lease', suggestion(String(lease), ['wall', 'observed']))
  if (lease === 'observed' && ttlMs === null)
    throw new InvalidInput('ttlMs', "must be given with lease 'observed'")
  return lease === 'observed'
}

function checkFair(fair: MutexOptions['fair'] = false): number | undefined {
  if (typeof fair === 'object') checkOptions(fair, ['ticketMs'], 'fair')
  else checkBoolean(fair, 'fair')
  const { ticketMs = 10_000 } = typeof fair === 'object' ? fair : {}
  milliseconds(ticketMs, 'fair.ticketMs')
  return fair ? ticketMs : undefined
}

/** Two chances before the lease is over, or one lost reply loses it. */
function checkHeartbeat(heartbeatMs: number | undefined, ttlMs: number): number {
  if (heartbeatMs === undefined) return ttlMs / 3
  milliseconds(heartbeatMs, 'heartbeatMs')
  if (heartbeatMs >= ttlMs / 2)
    throw new InvalidInput('heartbeatMs', 'must be less than half of ttlMs (milliseconds)', {
      limit: ttlMs / 2,
      given: String(heartbeatMs),
    })
  return heartbeatMs
}

function checkLiveness(liveness: Liveness | undefined): Liveness | undefined {
  if (liveness !== undefined && typeof (liveness as Partial<Liveness> | null)?.mustBeAlive !== 'function')
    throw new InvalidInput('liveness', 'must be a Liveness: await new Liveness(db).start()')
  return liveness
}

function checkLabel(label: unknown): string | undefined {
  if (label === undefined || (typeof label === 'string' && label.length > 0 && label.length <= 256))
    return label as string | undefined
  throw new InvalidInput('label', 'must be a text of 1 to 256 characters', { limit: 256 })
}
