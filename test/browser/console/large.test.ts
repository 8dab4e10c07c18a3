import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { AtomicMemoryDb } from 'lockrow'
import { UnitMeter } from 'lockrow/console'
import { AtomicDynamoDB } from 'lockrow/dynamo'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { meterClient } from '../../../src/cli/console/metered-client.ts'
import type { ConsoleServer } from '../../../src/cli/console/server.ts'
import { describeInBrowser, type Open } from '../../setup/browser.ts'
import { dropTable, freshTable, localClient } from '../../setup/local.ts'
import { openAt, serveConsole } from './serve.ts'

const pk = 'jobs'
const many = 100_000
const messages = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ pk, data: { n, note: 'x'.repeat(700) } }))

describeInBrowser('a queue of 100,000 messages, on DynamoDB Local', (open: Open) => {
  let client: DynamoDBClient
  let table: string
  let server: ConsoleServer
  const meter = new UnitMeter()
  beforeAll(async () => {
    client = localClient(inject('dynamoEndpoint'))
    table = await freshTable(client)
    const db = new AtomicDynamoDB(client, table)
    for (let i = 0; i < many; i += 10_000) await db.queuePush(messages(10_000))
    meterClient(client, meter)
    server = await serveConsole(db, { meter })
  }, 400_000)
  afterAll(async () => {
    await server.stop()
    await dropTable(client, table)
    client.destroy()
  })

  it('is first shown for at most 50 RRU, without anything from elsewhere', async () => {
    const { page, problems, foreign } = await open()
    const before = meter.all.read
    await page.goto(server.link)
    await page.waitForSelector('main h1')
    const paint = Number(
      await page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1"),
    )
    const begun = performance.now()
    await page.evaluate(`location.hash = '#/queues/${pk}'`)
    await page.getByRole('grid').getByRole('row').first().waitFor()
    const shownMs = performance.now() - begun
    const read = meter.all.read - before
    console.log(
      `first paint ${Math.round(paint)} ms; queue shown after ${Math.round(shownMs)} ms, ${read} RRU`,
    )
    expect(read).toBeGreaterThan(10)
    expect(read).toBeLessThanOrEqual(50)
    expect({ problems, foreign }).toEqual({ problems: [], foreign: [] })
  })
})

describeInBrowser('a list of 100,000 messages', (open: Open) => {
  it('draws only what is seen, and scrolls to the end', async () => {
    const db = new AtomicMemoryDb()
    await db.queuePush(Array.from({ length: many }, (_, n) => ({ pk, data: { n } })))
    const server = await serveConsole(db)
    try {
      const { page } = await open()
      await openAt(page, server, `#/queues/${pk}`)
      const rows = page.getByRole('grid').getByRole('row')
      await rows.first().waitFor()
      const status = page.getByRole('contentinfo').or(page.locator('footer [role=status]')).first()
      // As somebody does who holds the end key down.
      const loaded = async () =>
        Number(/of ([\d,]+) loaded/.exec((await status.textContent()) ?? '')?.[1]?.replaceAll(',', ''))
      const button = page.getByRole('button', { name: /^Load 1,000 more/ })
      while ((await loaded()) < many) {
        const before = await loaded()
        if (await button.isEnabled()) await button.click()
        await expect.poll(loaded, { timeout: 20_000 }).toBeGreaterThan(before)
      }
      expect(await rows.count()).toBeLessThan(80)
      const frames = (await page.evaluate(`new Promise((resolve) => {
        const list = document.querySelector('.list')
        const gaps = []
        let last = performance.now()
        let left = 60
        const step = () => {
          const now = performance.now()
          gaps.push(now - last)
          last = now
          list.scrollTop += list.scrollHeight / 60
          if (--left > 0) requestAnimationFrame(step)
          else resolve(gaps)
        }
        requestAnimationFrame(step)
      })`)) as number[]
      const sorted = frames.sort((a, b) => a - b)
      console.log(
        `frames while scrolling: median ${Math.round(sorted[30]!)} ms, slowest ${Math.round(sorted.at(-1)!)} ms`,
      )
      await page
        .getByRole('grid')
        .getByText(`{"n":${many - 1}}`)
        .waitFor()
      expect(await rows.count()).toBeLessThan(80)
    } finally {
      await server.stop()
    }
  }, 240_000)
})
