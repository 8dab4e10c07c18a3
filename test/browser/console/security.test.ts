import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AtomicMemoryDb } from 'lockrow'
import { afterEach, expect, it } from 'vitest'
import type { ConsoleServer } from '../../../src/cli/console/server.ts'
import { describeInBrowser, type Open } from '../../setup/browser.ts'
import { openAt, serveConsole, token } from './serve.ts'

const pk = 'jobs'

describeInBrowser('security in a browser', (open: Open) => {
  let server: ConsoleServer
  afterEach(() => server.stop())
  const serve = async () => {
    const db = new AtomicMemoryDb()
    server = await serveConsole(db, { queues: [pk] })
    return db
  }

  it('script in payloads, keys, groups and reasons is text', async () => {
    const db = await serve()
    const evil = '<img src=x onerror="window.owned=1"><script>window.owned=1</script>'
    await db.queuePush({ pk, data: { evil, [evil]: 1 }, group: evil })
    await db.set({ pk: 'items', sk: evil, data: { evil } })
    const { page, problems, foreign } = await open()
    await openAt(page, server, `#/queues/${pk}`)
    await page.getByRole('grid').getByRole('row').first().click()
    await page.getByRole('complementary').getByText('onerror').first().waitFor()
    await openAt(page, server, `#/items/items/${encodeURIComponent(evil)}`)
    await page.getByRole('complementary').getByText('onerror').first().waitFor()
    expect(await page.evaluate('window.owned')).toBeUndefined()
    expect(await page.locator('main img, main script').count()).toBe(0)
    expect({ problems, foreign }).toEqual({ problems: [], foreign: [] })
  })

  it('markup that gets in all the same runs nothing', async () => {
    await serve()
    const { page } = await open()
    await openAt(page, server)
    const blocked = await page.evaluate(`(async () => {
      const script = document.createElement('script')
      try {
        script.text = 'window.owned = 1'
        document.body.append(script)
      } catch {
        // Trusted types refuse the text already.
      }
      await new Promise((resolve) => setTimeout(resolve, 100))
      return window.owned === undefined
    })()`)
    expect(blocked).toBe(true)
  })

  it('the token leaves the address, stays in its tab, and is asked for where it is missing', async () => {
    await serve()
    const { page } = await open()
    await openAt(page, server)
    expect(page.url()).not.toContain(token)
    expect(await page.content()).not.toContain(token)
    await page.reload()
    await page.getByRole('heading', { name: 'Queues' }).waitFor()
    const other = await open()
    await other.page.goto(`http://127.0.0.1:${server.port}/`)
    await other.page.getByText('the token is missing or wrong').waitFor()
    await other.page.getByRole('textbox').fill(server.link)
    await other.page.getByRole('button', { name: 'Open' }).click()
    await other.page.getByRole('heading', { name: 'Queues' }).waitFor()
  })

  it('a page of another origin cannot read, send or frame it', async () => {
    const db = await serve()
    await db.queuePush({ pk, data: 1 })
    const target = `http://127.0.0.1:${server.port}`
    const page404 = `<!doctype html><iframe src="${target}/"></iframe>
      <form id="f" method="post" enctype="text/plain" action="${target}/api/queue.pause">
      <input name='{"pk":"${pk}","confirm":"${pk}","x":"' value='"}'></form>`
    const foreign = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end(page404)
    })
    await new Promise<void>((resolve) => foreign.listen(0, '127.0.0.1', resolve))
    try {
      const { page } = await open()
      await page.goto(`http://127.0.0.1:${(foreign.address() as AddressInfo).port}/`)
      const read = await page.evaluate(
        async ([address, secret]) => {
          const headers = { 'content-type': 'application/json', 'x-lockrow-console': secret! }
          const body = '{"pk":"jobs","confirm":"jobs"}'
          const tries = [
            fetch(`${address}/api/queue.pause`, { method: 'POST', headers, body }),
            fetch(`${address}/api/queue.pause`, { method: 'POST', body, credentials: 'include' }),
            fetch(`${address}/`),
          ]
          return (await Promise.allSettled(tries)).map(({ status }) => status)
        },
        [target, token],
      )
      expect(read).toEqual(['rejected', 'rejected', 'rejected'])
      const frame = page.frames()[1]
      expect(await frame?.evaluate("document.querySelector('#app') === null").catch(() => true)).toBe(true)
      const [answer] = await Promise.all([
        page.waitForResponse((one) => one.url().includes('queue.pause')),
        page.evaluate("document.querySelector('form').submit()"),
      ])
      expect(answer.status()).toBe(403)
      expect((await db.queuePull({ pk })).item).toBeDefined()
    } finally {
      foreign.closeAllConnections()
      await new Promise((resolve) => foreign.close(resolve))
    }
  })
})
