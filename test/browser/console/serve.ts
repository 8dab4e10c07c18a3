import type { AtomicDbInterface } from 'lockrow'
import { type ConsoleOptions, consoleHandler } from 'lockrow/console'
import type { Page } from 'playwright-core'
import { type ConsoleServer, startServer } from '../../../src/cli/console/server.ts'

export const token = 'token-of-the-browser-tests'

/** A console on a port of its own, as the command line serves it. */
export function serveConsole(
  db: AtomicDbInterface,
  options: Partial<ConsoleOptions> = {},
  port = 0,
): Promise<ConsoleServer> {
  const handler = consoleHandler(db, { token, scan: true, write: true, title: 'test', ...options })
  return startServer(handler, { port, token })
}

/** Opens the link as it is printed, then a view of the console. */
export async function openAt(page: Page, server: ConsoleServer, hash = '#/queues'): Promise<void> {
  await page.goto(server.link)
  await page.waitForSelector('main h1')
  await page.evaluate(`location.hash = ${JSON.stringify(hash)}`)
}

/** Types what the dialog asks for. */
export async function confirm(page: Page, name: string, action: string): Promise<void> {
  const dialog = page.getByRole('dialog')
  const button = dialog.getByRole('button', { name: action, exact: true })
  if (await button.isEnabled()) throw new Error('it must be confirmed first')
  await dialog.getByRole('textbox').fill(name)
  await button.click()
  await dialog.waitFor({ state: 'detached' })
}
