import { expect, it } from 'vitest'
import { pageAsset } from '../../src/console/page-asset.ts'

it('the page is bundled once', () => {
  expect(pageAsset()).toBe(pageAsset())
  return expect(pageAsset()).resolves.toMatchObject({ script: /\S/, style: /\S/ })
})
