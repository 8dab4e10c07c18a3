/**
 * The console as a fetch handler, to mount in an application.
 *
 * @module lockrow/console
 */

export { consoleHandler } from './handler.ts'
export type { ConsoleCollection, ConsoleOptions } from './options.ts'
export { type RecordedCall, Recording } from './recording.ts'
export { UnitMeter, type Units, type UnitTotal } from './unit-meter.ts'
