// What a frozen Lambda process finds when it wakes up: connections that are closed, or dead without knowing it.

import { connect, createServer, type Socket } from 'node:net'
import { AtomicDynamoDB } from 'lockrow/dynamo'
import { afterEach, describe, expect, inject, it, vi } from 'vitest'
import { apiHandler } from '../../examples/orders/api.ts'
import { openClient } from '../../examples/orders/db.ts'
import { postOrder } from '../../examples/orders/run/events.ts'
import { dropTable, freshTable, localClient } from '../setup/local.ts'
import { call, setStock, stockOf } from './helpers.ts'

/** Passes connections on to DynamoDB Local; `freeze` does to the open ones what a freeze does. */
async function tunnel(freeze: (client: Socket, server: Socket) => void) {
  const target = new URL(inject('dynamoEndpoint'))
  const pairs = new Set<[Socket, Socket]>()
  let accepted = 0
  const server = createServer((client) => {
    accepted++
    const upstream = connect(Number(target.port), target.hostname)
    const pair: [Socket, Socket] = [client, upstream]
    pairs.add(pair)
    client.pipe(upstream).pipe(client)
    const close = () => {
      pairs.delete(pair)
      client.destroy()
      upstream.destroy()
    }
    for (const socket of pair) socket.on('error', close).on('close', close)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    accepted: () => accepted,
    freeze() {
      for (const pair of pairs) freeze(...pair)
    },
    close() {
      for (const [client] of pairs) client.destroy()
      server.close()
    },
  }
}

afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

describe('after a freeze the next request succeeds', () => {
  it.each<[string, (client: Socket, server: Socket) => void]>([
    ['on connections that were closed', (client) => client.resetAndDestroy()],
    [
      'on connections that swallow everything',
      (client, server) => {
        client.unpipe(server)
        client.resume()
      },
    ],
  ])('%s', async (_, freeze) => {
    vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    const admin = localClient(inject('dynamoEndpoint'))
    const table = await freshTable(admin, 'freeze')
    const way = await tunnel(freeze)
    vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', way.endpoint)
    const client = openClient()
    try {
      const direct = new AtomicDynamoDB(admin, table)
      await setStock(direct, 'boot', 5)
      const api = apiHandler(new AtomicDynamoDB(client, table))
      const order = { product: 'boot', quantity: 1, customer: 'ann' }
      expect((await call(api, postOrder(order))).status).toBe(201)
      // Kept alive: both requests of the handler went through one connection.
      expect(way.accepted()).toBe(1)
      way.freeze()
      expect((await call(api, postOrder(order))).status).toBe(201)
      expect(way.accepted()).toBe(2)
      expect(await stockOf(direct, 'boot')).toBe(3)
    } finally {
      client.destroy()
      way.close()
      await dropTable(admin, table)
      admin.destroy()
    }
  })
})
