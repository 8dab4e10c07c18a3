import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { bundlePage } from '../../src/console/page-bundle.ts'

it('page and script are within 60 kB gzip, without imports, and cannot end their element', async () => {
  const { script, style } = await bundlePage()
  expect(script.length).toBeGreaterThan(20_000)
  expect(gzipSync(script + style).length).toBeLessThan(60_000)
  expect(script).not.toMatch(/<\/script/i)
  expect(script).not.toMatch(/\b(eval|new Function)\b/)
  expect(style).toContain('data-theme')
  expect(style).not.toMatch(/url\(|@import/)
})
