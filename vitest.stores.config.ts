import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import common from './vitest.config.ts'

// Installed beside the tests, not beside the sources: a path in the place of a driver finds it all the same.
const driver = fileURLToPath(
  new URL('./test/stores/node_modules/better-sqlite3/lib/index.js', import.meta.url),
)

// Backends on stores of their own: apart from the other tests, because their drivers are not installed with the rest.
export default defineConfig({
  ...common,
  resolve: {
    alias: [
      ...(common.resolve!.alias as { find: RegExp; replacement: string }[]),
      ...(existsSync(driver) ? [{ find: /^better-sqlite3$/, replacement: driver }] : []),
    ],
  },
  test: {
    ...common.test,
    include: ['test/**/*.stores.ts'],
    globalSetup: [],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
