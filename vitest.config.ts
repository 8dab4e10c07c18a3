import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  resolve: {
    // tests import what users import, but from the sources; tsconfig.json has the same list
    alias: [
      { find: /^lockrow$/, replacement: file('./src/index.ts') },
      { find: /^lockrow\/cdk$/, replacement: file('./infra/cdk/index.ts') },
      {
        find: /^lockrow\/(dynamo|direct|backend|recipes|schedules|testing|otel|streams|collections|console|sqlite|postgres|redis)$/,
        replacement: file('./src/$1/index.ts'),
      },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/setup/global.ts'],
    pool: 'threads',
    // one less than the cores is the default, which is one on the smallest machines
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // one second is the default, which a busy machine needs for less
    expect: { poll: { timeout: 20_000 } },
    // whoever has real credentials in the environment must not reach a real table by mistake
    env: {
      AWS_REGION: 'local',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_SESSION_TOKEN: '',
      AWS_PROFILE: '',
      AWS_EC2_METADATA_DISABLED: 'true',
      // Once per worker otherwise, in the middle of the results.
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    },
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts', 'infra/cdk/**/*.ts'],
      reporter: ['text', 'html'],
    },
  },
})
