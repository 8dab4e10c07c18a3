// What becomes of scheduled runs that Lambda cannot begin.

import { Duration } from 'aws-cdk-lib'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'

/**
 * Scheduled runs are asynchronous: Lambda keeps those that it throttles for six hours unless told otherwise. The next
 * one is due by then, so that runs that throw are not repeated, unless `retryAttempts` says so. A function that has settings of its own keeps them; an imported one cannot be given any.
 */
export function forgetInTime(fn: IFunction, schedule: Duration, retryAttempts = 0): void {
  if (!fn.node.defaultChild || fn.node.tryFindChild('EventInvokeConfig')) return
  const longest = Duration.hours(6)
  fn.configureAsyncInvoke({
    maxEventAge: schedule.toSeconds() < longest.toSeconds() ? schedule : longest,
    retryAttempts,
  })
}
