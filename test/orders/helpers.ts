import type { AtomicDbInterface } from 'lockrow'
import { vi } from 'vitest'
import { apiHandler } from '../../examples/orders/api.ts'
import type { HttpHandler } from '../../examples/orders/http.ts'
import { lambdaContext, postOrder } from '../../examples/orders/run/events.ts'
import { OUTBOX, productKey } from '../../examples/orders/shop.ts'

export interface Answer {
  status: number
  headers: Record<string, unknown>
  body: Record<string, unknown> & { id?: string; error?: { code: string; message: string; left?: number } }
}

/** Calls a handler as API Gateway would. */
export async function call(
  handler: HttpHandler,
  event: Parameters<HttpHandler>[0],
  remainingMs?: number,
): Promise<Answer> {
  const answer = await handler(event, lambdaContext('fn', remainingMs))
  return {
    status: answer.statusCode!,
    headers: answer.headers ?? {},
    body: JSON.parse(answer.body!) as Answer['body'],
  }
}

/** Places an order through the handler. */
export const place = (db: AtomicDbInterface, body: unknown, key?: string): Promise<Answer> =>
  call(apiHandler(db), postOrder(body, key))

export const setStock = (db: AtomicDbInterface, product: string, left: number): Promise<unknown> =>
  db.set({ ...productKey(product), data: { left } })

export async function stockOf(db: AtomicDbInterface, product: string): Promise<number | undefined> {
  return (await db.get<{ left: number }>(productKey(product)))?.data.left
}

/** Messages of other tests out of the way: there is one outbox per table. */
export const emptyOutbox = (db: AtomicDbInterface): Promise<number> => db.queuePurge(OUTBOX)

/** What is printed while `work` runs, line by line. */
export async function logged(work: () => Promise<unknown>): Promise<Record<string, unknown>[]> {
  const lines: string[] = []
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    lines.push(String(text))
    return true
  })
  try {
    await work()
  } finally {
    spy.mockRestore()
  }
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}

/** The same database, some of its methods replaced. */
export function but<K extends keyof AtomicDbInterface>(
  db: AtomicDbInterface,
  replaced: Pick<AtomicDbInterface, K>,
): AtomicDbInterface {
  return new Proxy(db, {
    get(target, name) {
      if (name in replaced) return replaced[name as K]
      const value = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
