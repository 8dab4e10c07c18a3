import { bodyLimit } from 'hono/body-limit'
import { Hono } from 'hono/tiny'
import { AtomicDbError, InvalidInput } from '../errors.ts'
import type { AtomicDbInterface } from '../interface.ts'
import { checkDb } from '../model/checks.ts'
import { inventoryCalls } from './calls/inventory.ts'
import { itemCalls } from './calls/items.ts'
import { leaseCalls } from './calls/leases.ts'
import { messageCalls } from './calls/messages.ts'
import { overviewCalls } from './calls/overview.ts'
import { queueCalls } from './calls/queues.ts'
import { scheduleCalls } from './calls/schedules.ts'
import { pageDocument, safeHeaders } from './document.ts'
import { refusal } from './gate.ts'
import { type ConsoleOptions, type ConsoleSettings, consoleSettings } from './options.ts'
import { Troubles } from './troubles.ts'
import { UnitMeter, type Units } from './unit-meter.ts'
import type { ConsoleCall, ConsoleCalls, Given } from './world.ts'

const calls: ConsoleCalls = {
  ...overviewCalls,
  ...queueCalls,
  ...messageCalls,
  ...scheduleCalls,
  ...leaseCalls,
  ...itemCalls,
  ...inventoryCalls,
}

const maxBodyBytes = 1024 * 1024

/**
 * The console as a fetch handler: a page that shows queues, leases, items, transactions and costs of a database, and
 * with `write` changes them. Mount it where `basePath` says, behind the login of your application. It reads only what
 * the page asks for; each answer says what it has cost, where the `meter` is told.
 *
 * @throws InvalidInput without `token` and `authorize`, and for options that are not known.
 *
 * @example
 * ```ts
 * const handler = consoleHandler(db, {
 *   authorize: (request) => isAdmin(request),
 *   hosts: ['admin.example.com'],
 *   basePath: '/lockrow',
 * })
 * app.all('/lockrow/*', (c) => handler(c.req.raw))
 * ```
 */
export function consoleHandler(
  db: AtomicDbInterface,
  options: ConsoleOptions,
): (request: Request) => Promise<Response> {
  checkDb(db)
  const settings = consoleSettings(options)
  const troubles = new Troubles(settings)
  const app = new Hono().basePath(settings.basePath === '/' ? '/' : settings.basePath.slice(0, -1))
  app.use(async (context, next) => {
    const isCall = context.req.method !== 'GET'
    const refused = await refusal(context.req.raw, settings, isCall)
    if (refused) return answer({ error: { code: 'Refused', message: refused.message } }, refused.status)
    return next()
  })
  app.use(bodyLimit({ maxSize: maxBodyBytes, onError: () => problem(413, 'the request is too large') }))
  app.get('/', () => pageDocument(settings))
  app.post('/api/:name', async (context) => {
    const { name } = context.req.param()
    const call = Object.hasOwn(calls, name) ? calls[name]! : undefined
    if (!call) return problem(404, 'there is no such call: is the page of another version? reload it')
    const given: unknown = await context.req.json().catch(() => undefined)
    if (typeof given !== 'object' || given === null) return problem(400, 'the body must be a JSON object')
    return run({ db, settings, troubles, name, call }, given as Given, context.req.raw.signal)
  })
  app.notFound(() => problem(404, 'there is nothing here'))
  app.onError((error) => problem(500, error.message))
  return async (request) => app.fetch(request)
}

interface Called {
  db: AtomicDbInterface
  settings: ConsoleSettings
  troubles: Troubles
  name: string
  call: ConsoleCall
}

/** Why a call that changes something is refused. */
function refusedWrite({ call, settings }: Called, given: Given): string | undefined {
  if (!call.writes) return undefined
  if (!settings.write) return 'this console is read-only: start it with --write, or mount it with write: true'
  const { confirms } = call
  if (confirms !== undefined && (given[confirms] === undefined || given.confirm !== given[confirms]))
    return `type ${confirms === 'sk' ? 'the sort key' : 'the name'} to confirm`
  return undefined
}

async function run(called: Called, given: Given, ended: AbortSignal): Promise<Response> {
  const { db, settings, troubles, name, call } = called
  const refused = refusedWrite(called, given)
  if (refused !== undefined) return problem(403, refused)
  const signal = AbortSignal.any([ended, AbortSignal.timeout(settings.timeoutMs)])
  const meter = settings.meter ?? new UnitMeter()
  const spent: Units = { read: 0, write: 0 }
  try {
    const value = await meter.measure(name, () => call.run({ db, settings, signal }, given), spent)
    if (!call.isLocal) troubles.over()
    return answer({ value, units: meter.isUsed ? spent : undefined })
  } catch (error) {
    return failed(error, troubles, ended)
  }
}

function failed(error: unknown, troubles: Troubles, ended: AbortSignal): Response {
  const code = error instanceof AtomicDbError ? error.code : 'BackendError'
  if (error instanceof InvalidInput) return answer({ error: { code, message: error.message } }, 400)
  // The page has gone on to something else: nobody reads this.
  if (ended.aborted) return problem(499, 'the page did not wait for it')
  return answer({ error: { code, message: troubles.told(error), isTrouble: true } }, 502)
}

const problem = (status: number, message: string): Response =>
  answer({ error: { code: 'Refused', message } }, status)

const answer = (body: object, status = 200): Response =>
  new Response(JSON.stringify(body), {
    status,
    headers: { ...safeHeaders, 'content-type': 'application/json; charset=utf-8' },
  })
