import type { Row } from '../../storage.ts'
import { isLive } from '../conditions.ts'
import { claimAll, maxPage, missing, type Pull } from './claim.ts'
import { isMessage, isReady } from './messages.ts'
import { readPage } from './read.ts'

/** At most one message of each group, and only the first one that is there. */
export async function strictly(mine: Pull): Promise<void> {
  const { context, options } = mine
  for (;;) {
    const closed = new Set<string>()
    let buried = false
    let after: string | undefined
    let limit = Math.max(4, options.limit)
    do {
      const page = await readPage(context, options.pk, after, limit)
      const now = context.runtime.now()
      const heads: Row[] = []
      for (const row of page.rows) {
        const group = (row.g as string | undefined) ?? ''
        if (!isMessage(row) || !isLive(row, Math.floor(now / 1000)) || closed.has(group)) continue
        if (options.group !== undefined && group !== options.group) continue
        if (isReady(row, now)) {
          closed.add(group)
          if (!mine.view.claiming.has(row.sk)) heads.push(row)
        }
        // Pushed with a delay and never received: it is not yet there for anybody.
        else if ((row.n as number) > 0) closed.add(group)
      }
      while (heads.length > 0 && missing(mine) > 0) {
        const before = mine.rows.length
        const some = heads.splice(0, missing(mine))
        const failed = await claimAll(mine, some)
        if (some.length - failed > mine.rows.length - before) buried = true
      }
      after = page.next
      limit = Math.min(maxPage, limit * 2)
    } while (after !== undefined && missing(mine) > 0 && !(options.group !== undefined && closed.size > 0))
    // Behind a message that went to the dead letters the next one of its group may come.
    if (!buried || mine.rows.length > 0) return
  }
}
