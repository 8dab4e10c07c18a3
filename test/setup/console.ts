import type { AtomicDbInterface } from 'lockrow'
import { type ConsoleOptions, consoleHandler } from 'lockrow/console'

export const token = 'a-token-of-the-tests'
export const address = 'http://127.0.0.1:7410'

/** An answer of the console. */
export interface Answered {
  status: number
  value: never
  units?: { read: number; write: number }
  error?: { code: string; message: string; isTrouble?: boolean }
}

/** Calls of a console as its page sends them. */
export function consoleOf(db: AtomicDbInterface, options: Partial<ConsoleOptions> = {}) {
  const handler = consoleHandler(db, { token, write: true, scan: true, ...options })
  const request = (path: string, init: RequestInit = {}) => handler(new Request(`${address}${path}`, init))
  const ask = async (
    name: string,
    given: unknown = {},
    headers: Record<string, string> = {},
  ): Promise<Answered> => {
    const response = await request(`/api/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-lockrow-console': token, ...headers },
      body: JSON.stringify(given),
    })
    return { status: response.status, ...((await response.json()) as Omit<Answered, 'status'>) }
  }
  /** The value of a call that must succeed. */
  const call = async <T = Record<string, never>>(name: string, given: unknown = {}): Promise<T> => {
    const answer = await ask(name, given)
    if (answer.error) throw new Error(`${name}: ${answer.error.message}`)
    return answer.value as T
  }
  return { handler, request, ask, call }
}
