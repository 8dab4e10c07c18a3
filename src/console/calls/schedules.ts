import { toJson } from '../../model/tagged-json.ts'
import {
  getSchedule,
  listSchedules,
  nextRuns,
  pauseSchedule,
  removeSchedule,
  resumeSchedule,
} from '../../schedules/index.ts'
import type { Schedule } from '../../schedules/schedule-row.ts'
import { type ConsoleCalls, type Given, numberOf, optionalText, textOf, type World } from '../world.ts'

function shown(schedule: Schedule) {
  const { message, ...rest } = schedule
  const { data, ...to } = message
  return {
    ...rest,
    message: { ...to, json: data === undefined ? undefined : toJson(data) },
    next: nextRuns(schedule, 5),
  }
}

async function list({ db, signal }: World, given: Given) {
  const found = await listSchedules(db, { pk: optionalText(given, 'pk'), signal })
  return { schedules: found.slice(0, numberOf(given, 'limit', 200, 1000)).map(shown), at: db.runtime.now() }
}

/** Pause, resume and remove answer whether there is such a schedule. */
const turn =
  (act: typeof pauseSchedule) =>
  async ({ db, signal }: World, given: Given) => ({
    done: await act(db, textOf(given, 'name'), { pk: optionalText(given, 'pk'), signal }),
  })

export const scheduleCalls: ConsoleCalls = {
  'schedule.list': { run: list },
  'schedule.get': {
    run: async ({ db, signal }, given) => {
      const found = await getSchedule(db, textOf(given, 'name'), { pk: optionalText(given, 'pk'), signal })
      return { schedule: found && shown(found) }
    },
  },
  'schedule.pause': { writes: true, confirms: 'name', run: turn(pauseSchedule) },
  'schedule.resume': { writes: true, run: turn(resumeSchedule) },
  'schedule.remove': { writes: true, confirms: 'name', run: turn(removeSchedule) },
}
