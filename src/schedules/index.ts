/**
 * Schedules: messages that come again and again, by cron expressions or intervals.
 *
 * @module lockrow/schedules
 */

export type { MissedTicks, ScheduledMessage, ScheduleInput } from './definition.ts'
export type { DriverOptions } from './driver-options.ts'
export type { Fired, ScheduleEvent } from './fire-due.ts'
export type { Schedule } from './schedule-row.ts'
export { Scheduler, type SchedulerOptions } from './scheduler.ts'
export {
  getSchedule,
  type ListSchedulesOptions,
  listSchedules,
  type MakeScheduleOptions,
  nextRuns,
  pauseSchedule,
  removeSchedule,
  resumeSchedule,
  type ScheduleOptions,
  schedule,
  scheduleOperations,
} from './schedules.ts'
export { type SchedulesLambdaOptions, schedulesLambda } from './schedules-lambda.ts'
