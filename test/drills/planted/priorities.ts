import { change, type Defect } from './defect.ts'

const use = 'engine/queue/level-use.ts'
const levels = 'engine/queue/levels.ts'
const pages = 'engine/queue/control-pages.ts'
const scan = 'engine/queue/scan.ts'
const drill = 'queue, shares of priorities'

/** Ways to starve a message, or to forget it, because of what others are. */
export const priorityDefects: readonly Defect[] = [
  {
    name: 'low messages have no turn of their own',
    class: 'priorities',
    patches: [
      change(use, "...(['high', 'high', 'high', 'high', 'normal', 'low'] as const)", "'high' as const"),
    ],
    drill,
    found: /starved/,
  },
  {
    name: 'nobody looks behind a backlog',
    class: 'priorities',
    patches: [change(pages, "if (isCollecting || use.isKnown('low')) return", 'if (pull) return')],
    drill,
    found: /starved/,
  },
  {
    name: 'a priority that was found empty is not asked for again',
    class: 'priorities',
    patches: [
      change(
        use,
        'return use.isMore || monotonic - use.askedAt >= spacing',
        'return use.isMore && spacing > 0',
      ),
    ],
    drill,
    found: /starved|lost/,
  },
  {
    name: 'turns do not advance',
    class: 'priorities',
    patches: [change(levels, 'use.advance(pull.rows.length - before)', 'use.advance(0 * before)')],
    drill,
    found: /starved/,
  },
  {
    name: 'messages of a priority that nobody knew are claimed among the normal ones',
    class: 'priorities',
    patches: [change(scan, 'if (isDiscovery(pull, page.rows)) return', 'if (!pull) return')],
    drill,
    found: /starved/,
  },
]
