import { boundOf } from '../coordination/call-time.ts'
import { LeaseClock, type Moment, momentOf } from '../coordination/lease.ts'
import { keep } from '../coordination/lease-keeper.ts'
import { StaleReceipt } from '../errors.ts'
import type { AtomicDbInterface, AtomicDbQueueItem } from '../interface.ts'
import type { Runtime } from '../runtime.ts'
import { tell } from './events.ts'
import { type QueueHandling, visibilityOf } from './options.ts'

/**
 * Until when a message that a pull gave out is ours. Its row says when the claim was sent, by our wall clock; how far
 * that clock was set back during the pull shows against the monotonic one. `begun`: a moment before the pull.
 */
export function leaseOfPulled(
  runtime: Runtime,
  item: AtomicDbQueueItem,
  ttlSeconds: number,
  begun: Moment,
): LeaseClock {
  const now = momentOf(runtime)
  const ms = ttlSeconds * 1000
  const setBack = Math.max(0, now.monotonic - begun.monotonic - (now.wall - begun.wall))
  // Without a deadline: it had passed already when the reply came.
  const claimedAt = item.processingTimeout === undefined ? now.wall - ms : item.processingTimeout - ms
  const passed = Math.max(0, now.wall - claimedAt) + setBack
  return new LeaseClock(runtime, ms, { monotonic: now.monotonic - passed, wall: now.wall - passed })
}

/** Extends the visibility until `over`; aborts `lost` when the receipt is no longer ours. Never rejects. */
export function keepVisible(
  db: AtomicDbInterface,
  item: AtomicDbQueueItem,
  lease: LeaseClock,
  options: QueueHandling,
  lost: AbortController,
  over: AbortSignal,
): Promise<void> {
  const { runtime } = db
  const ttlSeconds = visibilityOf(options)
  return keep({
    runtime,
    lease,
    everyMs: ttlSeconds * 500,
    timeoutMs: boundOf(db),
    async extend(call) {
      const sent = momentOf(runtime)
      await db.queueExtend(item, { ...call, ttlSeconds })
      lease.grow(sent, ttlSeconds * 1000)
    },
    isLost: (error) => error instanceof StaleReceipt,
    overdue: (cause) =>
      new StaleReceipt('the visibility could not be extended in time', {
        keys: [{ pk: item.pk, sk: item.sk }],
        cause,
      }),
    lost,
    done: over,
    onError: (error) => tell(options, { type: 'error', error }),
  })
}
