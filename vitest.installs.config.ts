import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

// The packed package with what npm installs beside it: apart from the other tests, because the registry is needed.
export default defineConfig({
  resolve: {
    alias: { 'lockrow/testing': fileURLToPath(new URL('./src/testing/index.ts', import.meta.url)) },
  },
  test: {
    include: ['test/package/installs/*.installs.ts'],
    globalSetup: ['test/setup/global.ts'],
    // One after the other: npm and the compiler want all cores by themselves.
    fileParallelism: false,
    testTimeout: 240_000,
    hookTimeout: 240_000,
  },
})
