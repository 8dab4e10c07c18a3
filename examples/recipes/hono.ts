import { Hono } from 'hono'
import type { AtomicDbInterface } from 'lockrow'
import { toHttp } from 'lockrow/recipes'
import { reserve } from './stock.ts'

/** The database in the context of each request, and one place where errors become answers. */
export function honoApp(db: AtomicDbInterface): Hono<{ Variables: { db: AtomicDbInterface } }> {
  const app = new Hono<{ Variables: { db: AtomicDbInterface } }>()
  app.use(async (c, next) => {
    c.set('db', db)
    await next()
  })
  app.post('/articles/:article/reservations', async (c) => {
    const body = await c.req.json<Record<string, unknown>>()
    return c.json(await reserve(c.get('db'), c.req.param('article'), body), 201)
  })
  app.onError((error) => {
    const { status, headers, body } = toHttp(error)
    return new Response(JSON.stringify(body), { status, headers })
  })
  return app
}
