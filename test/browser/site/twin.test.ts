import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { bundleForBrowser } from '../../../site/twin/bundle.ts'
import { describeInBrowser } from '../../setup/browser.ts'
import { root, serving } from './site.ts'

/** The twin in a browser is the twin: the same conformance suite, with nothing of Node. */
describeInBrowser('the twin, bundled for a browser', (open) => {
  const folder = mkdtempSync(join(tmpdir(), 'lockrow-browser-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const address = serving(folder, {
    '/': '<!doctype html><title>x</title><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>',
  })

  it('has no import of Node or of anything else', async () => {
    const { metafile } = await bundleForBrowser(
      join(root, 'site/playground/worker.ts'),
      join(folder, 'worker.js'),
    )
    const inputs = Object.keys(metafile.inputs)
    expect(inputs.some((path) => path.endsWith('src/memory/database.ts'))).toBe(true)
    expect(Object.values(metafile.outputs).flatMap(({ imports }) => imports)).toEqual([])
    expect(readFileSync(join(folder, 'worker.js'), 'utf8')).not.toMatch(
      /(from|import|require)\s*\(?\s*["']node:/,
    )
    expect(inputs.filter((path) => /src\/(dynamo|direct|cli|testing)\//.test(path))).toEqual([])
  }, 60_000)

  it('refuses to bundle what needs Node', async () => {
    const bundled = bundleForBrowser(join(root, 'src/testing/proxy/agent.ts'), join(folder, 'none.js'))
    await expect(bundled).rejects.toThrow(/node:http has no replacement in a browser/)
  }, 60_000)

  it('passes the conformance suite in Chromium', async () => {
    await bundleForBrowser(join(import.meta.dirname, 'conformance-page.ts'), join(folder, 'page.js'), {
      'node:assert/strict': join(root, 'site/node_modules/assert/build/assert.js'),
    })
    const { page, problems, foreign } = await open()
    await page.goto(address())
    const results = () =>
      page.evaluate(
        () =>
          (globalThis as unknown as { conformance?: { passed: number; failed: string[]; finished: boolean } })
            .conformance,
      )
    await expect
      .poll(async () => (await results())?.finished || problems.length > 0, { timeout: 150_000 })
      .toBe(true)
    expect(problems).toEqual([])
    const { passed, failed } = (await results())!
    expect(failed).toEqual([])
    expect(passed).toBeGreaterThan(300)
    expect(foreign).toEqual([])
  }, 180_000)
})
