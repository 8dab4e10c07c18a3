import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeInBrowser } from '../setup/browser.ts'

/** What the tests of pages rely on: that problems of a page are seen, and that nothing leaves this machine. */
describeInBrowser('a page', (open) => {
  let server: Server
  let address = ''
  const bodies: Record<string, string> = {
    '/fine': '<title>fine</title><p>It works.</p>',
    '/throws': '<script>throw new Error("thrown on load")</script>',
    '/missing': '<img src="/none.png" alt="">',
    '/foreign': '<script src="https://cdn.example.com/x.js"></script>',
  }
  beforeAll(async () => {
    server = createServer((request, response) => {
      const body = request.url === '/favicon.ico' ? '' : bodies[request.url!]
      response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'text/html' }).end(body)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })

  it('is shown, and has no problem', async () => {
    const { page, problems, foreign } = await open()
    await page.goto(`${address}/fine`)
    expect(await page.title()).toBe('fine')
    expect({ problems, foreign }).toEqual({ problems: [], foreign: [] })
  })

  it.each([
    ['an error', '/throws', /uncaught: thrown on load/],
    ['a missing file', '/missing', /404: .*none\.png/],
  ])('tells of %s', async (_, path, problem) => {
    const { page, problems } = await open()
    await page.goto(address + path)
    await expect.poll(() => problems.join('\n')).toMatch(problem)
  })

  it('reaches no other host', async () => {
    const { page, foreign } = await open()
    await page.goto(`${address}/foreign`)
    expect(foreign).toEqual(['https://cdn.example.com/x.js'])
  })
})
