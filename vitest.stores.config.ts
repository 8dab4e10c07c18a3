import { defineConfig } from 'vitest/config'
import common from './vitest.config.ts'

// Backends on stores of their own: apart from the other tests, because their drivers are not installed with the rest.
export default defineConfig({
  ...common,
  test: {
    ...common.test,
    include: ['test/**/*.stores.ts'],
    globalSetup: [],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
