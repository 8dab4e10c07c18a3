import { defineConfig, type UserConfig } from 'tsdown'
import manifest from './package.json' with { type: 'json' }
import { bundlePage } from './src/console/page-bundle.ts'

// what npm installs beside us is not bundled, nor any of its subpaths; all else is, for one file loads sooner than two
const external = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)].map(
  (name) => new RegExp(`^${name}(/|$)`),
)

const common: UserConfig = {
  outDir: 'dist',
  platform: 'node',
  target: 'node20',
  treeshake: true,
  minify: false,
  // the docstrings are in the types
  outputOptions: { comments: { legal: true, annotation: true, jsdoc: false } },
  deps: { neverBundle: external },
}

/** The twin, which `lockrow/dynamo` does without. */
const isTwin = (id: string): boolean => /[\\/](src[\\/]memory|node_modules[\\/]sorted-btree)[\\/]/.test(id)
/** Schedules and their parser of cron, which the console shows and nobody else loads. */
const isSchedules = (id: string): boolean => /[\\/](src[\\/]schedules|node_modules[\\/]croner)[\\/]/.test(id)
/** The types are chunks of their own. */
const isCode = (id: string): boolean => !/\.d\.[cm]?ts$/.test(id)

/**
 * Few chunks: each file is one to two milliseconds of a cold start, more than the few kilobytes that an entry could do
 * without. All that two entries share is one, but for the twin and schedules.
 */
const codeSplitting = {
  groups: [
    {
      name: 'core',
      test: (id: string) => isCode(id) && !isTwin(id) && !isSchedules(id),
      minShareCount: 2,
      priority: 1,
    },
    { name: 'twin', test: (id: string) => isCode(id) && isTwin(id) },
    { name: 'timing', test: (id: string) => isCode(id) && isSchedules(id), minShareCount: 2 },
  ],
}

/** As a module of its own kind: CommonJS would need one more file, with helpers. */
const btreeAsModule = {
  name: 'btree-as-module',
  transform: {
    filter: { id: /sorted-btree[\\/]b\+tree\.js$/ },
    handler: (code: string) => `const exports = {}\n${code}\nexport default BTree`,
  },
}

/**
 * The same, and without `require`: an ES module would need `import.meta.url` for it, which breaks in a bundle. `url` and
 * `querystring` are for addresses given as text and for queries, which `signedHeaders` does not have.
 */
const aws4AsModule = {
  name: 'aws4-as-module',
  transform: {
    filter: { id: /aws4[\\/](aws4|lru)\.js$/ },
    handler: (code: string, id: string) =>
      id.endsWith('lru.js')
        ? `const module = {}\n${code}\nexport default module.exports`
        : `import builtinCrypto from 'node:crypto'
import lruCache from './lru'
const { createHmac, hash: whole } = builtinCrypto
// Node's shorter way, where it has one: half of what a hash of a request costs.
const createHash = whole
  ? (algorithm) => ({ update: (text) => ({ digest: (encoding) => whole(algorithm, text, encoding) }) })
  : builtinCrypto.createHash
const modules = { crypto: { createHash, createHmac }, './lru': lruCache }
const require = (name) => modules[name]
const exports = {}
${code}
export default exports`,
  },
}

/** The page of the console, bundled here so that nobody has to bundle it: two texts in the place of the module that bundles. */
const consolePage = {
  name: 'console-page',
  load: {
    filter: { id: /console[\\/]page-asset\.ts$/ },
    async handler() {
      const asset = JSON.stringify(await bundlePage())
      return {
        code: `const asset = ${asset}\nexport const pageAsset = async () => asset`,
        moduleType: 'js' as const,
      }
    },
  },
}

export default defineConfig([
  {
    ...common,
    // one build for all entries: what they share lands in chunks, so an error class exists once
    entry: {
      index: 'src/index.ts',
      dynamo: 'src/dynamo/index.ts',
      direct: 'src/direct/index.ts',
      backend: 'src/backend/index.ts',
      recipes: 'src/recipes/index.ts',
      schedules: 'src/schedules/index.ts',
      testing: 'src/testing/index.ts',
      cdk: 'infra/cdk/index.ts',
      otel: 'src/otel/index.ts',
      streams: 'src/streams/index.ts',
      collections: 'src/collections/index.ts',
      sqlite: 'src/sqlite/index.ts',
      console: 'src/console/index.ts',
      postgres: 'src/postgres/index.ts',
      redis: 'src/redis/index.ts',
    },
    format: ['esm', 'cjs'],
    dts: true,
    plugins: [btreeAsModule, aws4AsModule, consolePage],
    outputOptions: { ...common.outputOptions, codeSplitting },
  },
  {
    ...common,
    // by itself: shared with the command line, the library would be in more files, each a millisecond of a cold start
    entry: { index: 'src/cli/index.ts' },
    format: 'esm',
    outDir: 'dist/cli',
    plugins: [btreeAsModule, consolePage],
  },
  {
    ...common,
    // the thread of `Liveness`, for both formats: it lies beside the chunk that starts it, and shares nothing with it
    entry: { 'heartbeat-worker': 'src/coordination/heartbeat-worker.ts' },
    format: 'esm',
    dts: false,
    clean: false,
  },
])
