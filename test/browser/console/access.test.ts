import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Demo, makeDemo } from '../../../src/cli/console/demo.ts'
import type { ConsoleServer } from '../../../src/cli/console/server.ts'
import { describeInBrowser, type Open } from '../../setup/browser.ts'
import { openAt, serveConsole } from './serve.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface Finding {
  id: string
  impact: string
  nodes: { html: string; failureSummary: string }[]
}

const views = [
  '#/queues',
  '#/queues/shipping',
  '#/queues/shipping?tab=dead',
  '#/queues/mails?tab=schedules',
  '#/locks/locks',
  '#/items',
  '#/items/stock/boots',
  '#/transactions',
  '#/cost',
]

describeInBrowser('the page for everybody', (open: Open) => {
  let demo: Demo
  let server: ConsoleServer
  beforeAll(async () => {
    demo = makeDemo()
    await demo.start()
    const { db, start, stop, ...options } = demo
    server = await serveConsole(db, options)
  })
  afterAll(async () => {
    await server.stop()
    await demo.stop()
  })

  it.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 390],
  ] as const)(
    'no view has findings of axe: %s, %i wide',
    async (colorScheme, width) => {
      const { page } = await open({ colorScheme, viewport: { width, height: 800 }, bypassCSP: true })
      for (const view of views) {
        await openAt(page, server, view)
        await page.getByRole('heading', { level: 1 }).waitFor()
        await page.waitForTimeout(700)
        const found = await page.evaluate(async (script) => {
          const scope = globalThis as never as { axe?: { run(): Promise<{ violations: unknown[] }> } }
          // biome-ignore lint/security/noGlobalEval: the checker, in a page whose policy the test has switched off
          if (!scope.axe) globalThis.eval(script)
          return (await scope.axe!.run()).violations
        }, axe)
        const findings = (found as Finding[]).map(({ id, impact, nodes }) => [
          id,
          impact,
          nodes[0]?.html.slice(0, 200),
        ])
        expect(findings, view).toEqual([])
        const isWide = await page.evaluate('document.documentElement.scrollWidth > innerWidth')
        expect(isWide, `${view} scrolls sideways`).toBe(false)
      }
    },
    120_000,
  )
})
