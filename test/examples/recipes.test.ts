import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { NestFactory } from '@nestjs/core'
import { type AtomicDbInterface, AtomicMemoryDb, Throttled } from 'lockrow'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expressApp } from '../../examples/recipes/express.ts'
import { honoApp } from '../../examples/recipes/hono.ts'
import { appModule } from '../../examples/recipes/nest.ts'

/** Each framework as a listener of a real server, and what ends it. */
const frameworks: Record<string, (db: AtomicDbInterface) => Promise<RequestListener>> = {
  Hono: async (db) => getRequestListener(honoApp(db).fetch),
  Express: async (db) => expressApp(db),
  NestJS: async (db) => {
    const app = await NestFactory.create(appModule(db), { logger: false })
    await app.init()
    return app.getHttpAdapter().getInstance() as RequestListener
  },
}

describe.each(Object.entries(frameworks))('%s', (_, listen) => {
  const db = new AtomicMemoryDb()
  let server: Server
  let origin = ''

  beforeAll(async () => {
    server = createServer(await listen(db))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    await db.set({ pk: 'article#boot', sk: 'stock', data: { left: 3 } })
  })
  afterAll(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })

  async function post(article: string, body: unknown) {
    const answer = await fetch(`${origin}/articles/${article}/reservations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as unknown }
  }

  it('places a reservation once', async () => {
    expect(await post('boot', { order: 'o1', quantity: 2 })).toMatchObject({ status: 201, body: { left: 1 } })
    expect(await post('boot', { order: 'o1', quantity: 2 })).toMatchObject({ status: 201, body: { left: 1 } })
    expect((await db.get({ pk: 'article#boot', sk: 'stock' }))?.data).toEqual({ left: 1 })
  })

  it('answers errors as problems, without keys', async () => {
    const soldOut = await post('boot', { order: 'o2', quantity: 2 })
    expect(soldOut).toMatchObject({ status: 409, body: { code: 'ConditionFailed', status: 409 } })
    expect(soldOut.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(JSON.stringify(soldOut.body)).not.toContain('article#')
    expect(await post('boot', { order: 'o3', quantity: 0.5 })).toMatchObject({
      status: 400,
      body: { code: 'InvalidInput' },
    })
  })

  it('says when to come again', async () => {
    const { getMany } = AtomicMemoryDb.prototype
    db.getMany = () => Promise.reject(new Throttled('article#boot is busy'))
    try {
      const answer = await post('boot', { order: 'o4', quantity: 1 })
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
    } finally {
      db.getMany = getMany
    }
    expect((await post('boot', { order: 'o4', quantity: 1 })).status).toBe(201)
  })
})
