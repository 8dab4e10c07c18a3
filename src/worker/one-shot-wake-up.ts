import { InvalidInput } from '../errors.ts'
import { checkFunction, milliseconds, shortText } from '../model/checks.ts'
import { hashOf } from '../model/hash.ts'
import { notify } from '../model/notify.ts'
import { optionsCheck } from '../model/options-check.ts'
import { systemRuntime } from '../runtime.ts'
import { type LambdaContext, remainingMs } from './remaining-time.ts'
import { orAborted } from './signals.ts'

/** Options of `oneShotWakeUp`. */
export interface OneShotWakeUpOptions {
  /** EventBridge Scheduler: `new Scheduler({})` of `@aws-sdk/client-scheduler`, or anything with this method. */
  scheduler: {
    createSchedule(
      input: {
        Name: string
        GroupName: string
        ScheduleExpression: string
        ScheduleExpressionTimezone: string
        FlexibleTimeWindow: { Mode: 'OFF' }
        ActionAfterCompletion: 'DELETE'
        Target: { Arn: string; RoleArn: string; Input: string }
      },
      options?: { abortSignal?: AbortSignal },
    ): Promise<unknown>
  }
  /** Group of the schedules. @default `LOCKROW_WAKE_UP_GROUP` of the environment, which `addQueueWorker` sets */
  groupName?: string
  /** Role by which the scheduler invokes the function. @default `LOCKROW_WAKE_UP_ROLE` of the environment, which `addQueueWorker` sets */
  roleArn?: string
  /** The function to run. @default the one that runs, without its alias or version */
  functionArn?: string
  /**
   * Later wake-ups are not made, because a schedule that always runs sees the message again before it is due, ms: at
   * least the time between two of its runs.
   *
   * @default a day and a minute
   */
  withinMs?: number
  /** The longest that an invocation waits for the scheduler, ms; less where less time is left. @default 2000 */
  timeoutMs?: number
  /** Called for each wake-up that is made, and for each that could not be. What it throws is ignored. */
  onEvent?: (
    event: { type: 'planned'; name: string; at: number } | { type: 'error'; error: unknown },
  ) => unknown
}

const checkWakeUpOptions = /* @__PURE__ */ optionsCheck<OneShotWakeUpOptions>(() => [
  {
    scheduler: true,
    groupName: true,
    roleArn: true,
    functionArn: true,
    withinMs: true,
    timeoutMs: true,
    onEvent: true,
  },
  {
    client: "use 'scheduler'",
    send: "use 'scheduler': an object with createSchedule, as `new Scheduler({})` is",
    group: "use 'groupName'",
    role: "use 'roleArn'",
  },
])

const minuteMs = 60_000
/** A run within this time after its moment belongs to the next minute, also where the clock is behind by it, ms. */
const clockMs = 10_000

type Context = LambdaContext & { invokedFunctionArn?: string }
type Environment = Readonly<Record<string, string | undefined>>

/**
 * Runs a function of `queueLambda` again when its next message is due, by a schedule of EventBridge Scheduler that is
 * made for that minute and deletes itself: in place of a schedule that runs every minute. It comes 0 to 2 minutes after
 * the message is due; soon, if something was left, or the run threw. Invocations that name the same minute make one
 * schedule. The run that it makes drains all queues of the function. A scheduler that refuses or does not answer is
 * told to `onEvent` and changes nothing else: the rare schedule of `addQueueWorker` with `wakeUp: 'one-shot'` finds the
 * message. Cost: one request to the scheduler for each new minute and process, no request to the table.
 *
 * @throws InvalidInput at the first invocation without group, role or function; later it never throws itself.
 * @example
 * ```ts
 * export const handler = oneShotWakeUp(queueLambda(db, send, { pk: 'mails' }), { scheduler: new Scheduler({}) })
 * ```
 */
export function oneShotWakeUp<R extends { empty: boolean; nextDue?: number }>(
  handler: (event: unknown, context: LambdaContext) => Promise<R>,
  options: OneShotWakeUpOptions,
): (event: unknown, context: LambdaContext & { invokedFunctionArn?: string }) => Promise<R> {
  checkFunction(handler, 'handler')
  checkAll(options)
  const planner = new Planner(options)
  return async (event, context) => {
    const target = targetOf(options, context, process.env)
    try {
      const result = await handler(event, context)
      const due = result.empty ? result.nextDue : systemRuntime.now()
      if (due !== undefined) await planner.plan(target, due, context)
      return result
    } catch (error) {
      // What it would have taken is still there.
      await planner.plan(target, systemRuntime.now(), context)
      throw error
    }
  }
}

function checkAll(options: OneShotWakeUpOptions): void {
  if (options === undefined) throw new InvalidInput('options', 'must be an object with scheduler')
  checkWakeUpOptions(options)
  checkFunction(options.scheduler?.createSchedule, 'scheduler.createSchedule')
  for (const name of ['groupName', 'roleArn', 'functionArn'] as const)
    if (options[name] !== undefined) shortText(options[name], name, 2048)
  if (options.withinMs !== undefined) milliseconds(options.withinMs, 'withinMs')
  if (options.timeoutMs !== undefined) milliseconds(options.timeoutMs, 'timeoutMs')
  if (options.onEvent !== undefined) checkFunction(options.onEvent, 'onEvent')
}

interface Target {
  groupName: string
  roleArn: string
  functionArn: string
}

function targetOf(options: OneShotWakeUpOptions, context: Context, environment: Environment): Target {
  const given = (field: string, value: string | undefined, otherwise: string): string => {
    if (value) return value
    throw new InvalidInput(field, `is not given, and ${otherwise}`)
  }
  const { groupName = environment.LOCKROW_WAKE_UP_GROUP, roleArn = environment.LOCKROW_WAKE_UP_ROLE } =
    options
  const functionArn = options.functionArn ?? unqualified(context?.invokedFunctionArn)
  return {
    groupName: given('groupName', groupName, 'LOCKROW_WAKE_UP_GROUP of the environment is not set'),
    roleArn: given('roleArn', roleArn, 'LOCKROW_WAKE_UP_ROLE of the environment is not set'),
    functionArn: given('functionArn', functionArn, 'the context does not tell it'),
  }
}

/** The role may run the function by this name. */
const unqualified = (arn: string | undefined): string | undefined => arn?.split(':').slice(0, 7).join(':')

/** Makes the schedules of one function, each minute's once. */
class Planner {
  readonly #options: OneShotWakeUpOptions
  /** Moments that are known to have their schedule, epoch ms. */
  readonly #planned = new Set<number>()

  constructor(options: OneShotWakeUpOptions) {
    this.#options = options
  }

  /** Never throws. */
  async plan(target: Target, due: number, context: LambdaContext): Promise<void> {
    const { withinMs = 1441 * minuteMs, onEvent } = this.#options
    const now = systemRuntime.now()
    if (due - now > withinMs) return
    // In the minute that has begun its schedule may have run, and keep its name for a while.
    const at = Math.ceil(Math.max(due, now + clockMs) / minuteMs) * minuteMs
    for (const moment of this.#planned) if (moment <= now) this.#planned.delete(moment)
    if (this.#planned.has(at)) return
    try {
      const input = scheduleOf(target, at)
      const isNew = await this.#create(input, context)
      this.#planned.add(at)
      if (isNew) notify(onEvent, { type: 'planned', name: input.Name, at })
    } catch (error) {
      notify(onEvent, { type: 'error', error })
    }
  }

  /** False: it was there already, also where the reply to an earlier try was lost. */
  async #create(input: ScheduleInput, context: LambdaContext): Promise<boolean> {
    const { scheduler, timeoutMs = 2000 } = this.#options
    const controller = new AbortController()
    const done = new AbortController()
    // Half of what is left is for the answer of the function.
    systemRuntime.sleep(Math.min(timeoutMs, remainingMs(context) / 2), { signal: done.signal }).then(
      () => controller.abort(new Error('the scheduler has not answered in time')),
      () => {},
    )
    try {
      const { signal } = controller
      await orAborted((async () => scheduler.createSchedule(input, { abortSignal: signal }))(), signal)
      return true
    } catch (error) {
      if ((error as Error | undefined)?.name !== 'ConflictException') throw error
      return false
    } finally {
      done.abort()
    }
  }
}

type ScheduleInput = Parameters<OneShotWakeUpOptions['scheduler']['createSchedule']>[0]

/** One name for each function and minute: whoever comes second is told that it is there. */
function scheduleOf({ groupName, roleArn, functionArn }: Target, at: number): ScheduleInput {
  const time = new Date(at).toISOString().slice(0, 19)
  const functionName = hashOf(functionArn).toString(36)
  return {
    Name: `lockrow-${functionName}-${time.slice(0, 16).replace(/\D/g, '')}`,
    GroupName: groupName,
    ScheduleExpression: `at(${time})`,
    ScheduleExpressionTimezone: 'UTC',
    FlexibleTimeWindow: { Mode: 'OFF' },
    ActionAfterCompletion: 'DELETE',
    Target: { Arn: functionArn, RoleArn: roleArn, Input: '{}' },
  }
}
