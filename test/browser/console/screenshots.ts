/** `npm run screenshots`: the pictures of docs/console.md, of the demo as it is after a few seconds. */
import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { consoleHandler } from 'lockrow/console'
import { makeDemo } from '../../../src/cli/console/demo.ts'
import { newToken, startServer } from '../../../src/cli/console/server.ts'
import { launchChromium } from '../../setup/browser.ts'

const folder = resolve(import.meta.dirname, '../../../docs/images')
const settleMs = 8000

interface Shot {
  name: string
  hash: string
  dark?: boolean
  narrow?: boolean
  click?: string
}

const shots: readonly Shot[] = [
  { name: 'console-queue', hash: '#/queues/shipping', click: '.list .line >> nth=2' },
  { name: 'console-locks', hash: '#/locks/locks' },
  { name: 'console-transactions', hash: '#/transactions', dark: true },
  { name: 'console-narrow', hash: '#/queues/shipping', dark: true, narrow: true },
]

mkdirSync(folder, { recursive: true })
// The traffic of the demo does not keep a process alive.
const alive = setInterval(() => {}, 60_000)
const { db, start, stop, ...options } = makeDemo()
await start()
const token = newToken()
const handler = consoleHandler(db, { ...options, token, write: true, title: 'demo shop', where: 'in memory' })
const server = await startServer(handler, { port: 0, token })
const browser = await launchChromium()
await new Promise((done) => setTimeout(done, settleMs))
try {
  for (const { name, hash, dark = false, narrow = false, click } of shots) {
    const viewport = narrow ? { width: 400, height: 760 } : { width: 1280, height: 760 }
    const context = await browser.newContext({ viewport, colorScheme: dark ? 'dark' : 'light' })
    const page = await context.newPage()
    page.on('pageerror', (error) => console.error(error.message))
    await page.goto(server.link)
    await page.waitForSelector('main h1')
    await page.evaluate(`location.hash = ${JSON.stringify(hash)}`)
    await page.waitForTimeout(settleMs)
    if (click) await page.locator(click).click()
    await page.waitForTimeout(500)
    await page.screenshot({ path: `${folder}/${name}.png` })
    console.log(`${folder}/${name}.png`)
    await context.close()
  }
} finally {
  await browser.close()
  await server.stop()
  await stop()
  clearInterval(alive)
}
