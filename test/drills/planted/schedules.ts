import { change, type Defect } from './defect.ts'

const fireDue = 'schedules/fire-due.ts'
const dueTicks = 'schedules/due-ticks.ts'
const manage = 'schedules/schedules.ts'
const plan = 'schedules/plan-change.ts'

const plant = (name: string, patches: Defect['patches'], found: RegExp): Defect => ({
  name,
  class: 'schedules',
  patches,
  drill: 'schedules',
  found,
})

export const scheduleDefects: readonly Defect[] = [
  plant(
    'a tick is sent by whoever sees it due',
    [change(fireDue, 'key, changes, if: isAsRead(row) }', 'key, changes }')],
    /twice/,
  ),
  plant(
    'a tick whose process has a fast clock is given out at once',
    [
      change(
        fireDue,
        '{ ...messageOf(row.message, name, tick), at: Math.max(tick, runtime.now() + soonMs) }',
        'messageOf(row.message, name, tick)',
      ),
    ],
    /too early/,
  ),
  plant(
    'the message follows the transaction that moves the schedule on',
    [
      change(
        fireDue,
        "...fire.map((tick) => ({ type: 'queuePush' as const, item: notBefore(db, row, name, tick) })),",
        '',
      ),
      change(
        fireDue,
        '    return next\n  } catch',
        '    for (const tick of fire) await db.queuePush(notBefore(db, row, name, tick), { signal })\n    return next\n  } catch',
      ),
    ],
    /lost|left out/,
  ),
  plant(
    'ticks behind a clock that is a little ahead count as missed',
    [change(dueTicks, 'const inTime = now - row.graceSeconds * 1000', 'const inTime = now')],
    /left out/,
  ),
  plant(
    'a schedule that goes on makes up for its pause',
    [
      change(
        manage,
        'nextAt: nextTick(row, Math.max(db.runtime.now(), row.lastAt ?? 0)) }',
        'nextAt: nextTick(row, row.lastAt ?? 0) }',
      ),
    ],
    /in spite of/,
  ),
  plant(
    'an interval counts from the last change',
    [change(plan, 'anchor: old.anchor, nextAt: old.nextAt', 'nextAt: nextTick(row, db.runtime.now())')],
    /no tick|left out|twice/,
  ),
]
