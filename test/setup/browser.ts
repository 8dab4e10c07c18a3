import { existsSync } from 'node:fs'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe } from 'vitest'

/** Pages in a real Chromium, for the tests below `test/browser`. */

const places = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
]

/** The installed browser, or the one that `CHROMIUM` names. Nothing is downloaded. */
export const chromiumPath = places.find((path) => path !== undefined && path !== '' && existsSync(path))

/** Without the flags of the second line, Chromium asks its maker's hosts for updates and settings. */
const flags = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
]

/** A headless Chromium with a profile of its own, which `close` removes. */
export const launchChromium = (): Promise<Browser> =>
  chromium.launch({ executablePath: chromiumPath, headless: true, args: flags, timeout: 60_000 })

/** A page, and what went wrong in it so far. */
export interface OpenPage {
  page: Page
  /** Uncaught errors, errors on the console, requests that failed or were answered by an error, as text. */
  problems: string[]
  /** Addresses outside of this machine that the page asked for. They are refused. */
  foreign: string[]
}

const isLocal = (address: string): boolean =>
  /^(data|blob|about):/.test(address) ||
  ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(address).hostname)

async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<OpenPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
  const [problems, foreign]: [string[], string[]] = [[], []]
  await context.route(
    (url) => !isLocal(url.href),
    (route) => {
      foreign.push(route.request().url())
      return route.abort()
    },
  )
  const page = await context.newPage()
  page.setDefaultTimeout(60_000)
  page.on('pageerror', (error) => problems.push(`uncaught: ${error.message}`))
  page.on('console', (line) => {
    if (line.type() === 'error') problems.push(`console: ${line.text()}`)
  })
  page.on('requestfailed', (request) => {
    // A page that is left gives its requests up.
    const why = request.failure()?.errorText
    if (why !== 'net::ERR_ABORTED') problems.push(`failed: ${request.url()}: ${why}`)
  })
  page.on('response', (response) => {
    if (response.status() >= 400) problems.push(`${response.status()}: ${response.url()}`)
  })
  return { page, problems, foreign }
}

/** Opens pages, each in a context of its own: no cookies, storage or cache are shared. */
export type Open = (options?: BrowserContextOptions) => Promise<OpenPage>

/**
 * Tests in one Chromium, started before the first of them. Without one on the machine they are skipped, which counts as
 * failed in CI: `apt-get install chromium`.
 */
export function describeInBrowser(title: string, tests: (open: Open) => void): void {
  if (!chromiumPath) console.warn(`skipped, no Chromium here (apt-get install chromium): ${title}`)
  describe.skipIf(!chromiumPath)(title, () => {
    let browser: Browser | undefined
    beforeAll(async () => {
      browser = await launchChromium()
    }, 90_000)
    afterAll(() => browser?.close())
    tests((options) => openPage(browser!, options))
  })
}
