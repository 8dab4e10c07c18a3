/** The calls to the server. Every answer says what it has read; what it has not answered is said at the top. */
import { setServerTime } from './clock.ts'
import { createStore } from './store.ts'

export interface Units {
  read: number
  write: number
}

/** What went wrong with a call. */
export class CallError extends Error {
  readonly code: string
  /** The database failed, not the call: the same may work later. */
  readonly isTrouble: boolean
  constructor(code: string, message: string, isTrouble: boolean) {
    super(message)
    this.code = code
    this.isTrouble = isTrouble
  }
}

const tokenName = 'lockrow-token'
const header = 'x-lockrow-console'

/** All that this page has spent, and what is wrong at the moment. */
export const spending = createStore<{ units: Units; measured: boolean; calls: number }>({
  units: { read: 0, write: 0 },
  measured: false,
  calls: 0,
})
export const trouble = createStore<{ message: string; needsToken: boolean } | undefined>(undefined)

const base = document.getElementById('app')?.dataset.base ?? '/'

/** From the fragment of the printed link, which no server sees; then it is taken out of the address. */
export function takeToken(): void {
  const found = /[#&]token=([\w-]+)/.exec(location.hash)
  if (!found) return
  sessionStorage.setItem(tokenName, found[1]!)
  trouble.set(undefined)
  history.replaceState(null, '', `${location.pathname}#/queues`)
}

export const keepToken = (token: string): void => sessionStorage.setItem(tokenName, token.trim())

interface Answer<T> {
  value?: T
  units?: Units
  error?: { code: string; message: string; isTrouble?: boolean }
}

async function send<T>(name: string, given: object, signal?: AbortSignal): Promise<[Response, Answer<T>]> {
  const response = await fetch(`${base}api/${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', [header]: sessionStorage.getItem(tokenName) ?? 'page' },
    body: JSON.stringify(given),
    signal: signal ?? null,
  })
  return [response, (await response.json()) as Answer<T>]
}

/** Calls the server. `units` is undefined where nothing is measured. */
export async function call<T>(
  name: string,
  given: object = {},
  signal?: AbortSignal,
): Promise<{ value: T; units: Units | undefined }> {
  let reply: [Response, Answer<T>]
  try {
    reply = await send<T>(name, given, signal)
  } catch (error) {
    if (signal?.aborted) throw error
    const message = 'the console does not answer: was it stopped in its terminal?'
    trouble.set({ message, needsToken: false })
    throw new CallError('Gone', message, true)
  }
  const [response, { value, units, error }] = reply
  if (units) count(units)
  if (error) {
    const isTrouble = error.isTrouble === true || response.status === 401
    if (isTrouble) trouble.set({ message: error.message, needsToken: response.status === 401 })
    throw new CallError(error.code, error.message, isTrouble)
  }
  const at = (value as { at?: unknown } | undefined)?.at
  if (typeof at === 'number') setServerTime(at)
  if (!quiet.has(name)) trouble.set(undefined)
  return { value: value as T, units }
}

/** They are answered also while the database is not. */
const quiet = new Set(['about', 'transaction.list', 'cost.show'])

function count({ read, write }: Units): void {
  const { units, calls } = spending.get()
  spending.set({
    units: { read: units.read + read, write: units.write + write },
    measured: true,
    calls: calls + 1,
  })
}
