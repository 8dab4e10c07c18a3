import { resolve } from 'node:path'
import { defineConfig, type UserConfig } from 'tsdown'
import manifest from './package.json' with { type: 'json' }

// what npm installs beside us is not bundled, nor any of its subpaths; all else is, for one file loads sooner than two
const external = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)].map(
  (name) => new RegExp(`^${name}(/|$)`),
)

/** What `aws4` asks of Node by `require`, which would need `import.meta.url` in an ES module, and so break in a bundle. */
const withoutRequire = {
  name: 'aws4-without-require',
  resolveId: (source: string, importer: string | undefined) =>
    /\/aws4\/aws4\.js$/.test(importer ?? '') && !source.startsWith('.')
      ? resolve('src/direct/aws4-needs.ts')
      : undefined,
}

const common: UserConfig = {
  outDir: 'dist',
  platform: 'node',
  target: 'node20',
  treeshake: true,
  minify: false,
  // the docstrings are in the types
  outputOptions: { comments: { legal: true, annotation: true, jsdoc: false } },
  deps: { neverBundle: external },
  plugins: [withoutRequire],
}

/** The twin, which `lockrow/dynamo` does without. */
const isTwin = (id: string): boolean => /[\\/](src[\\/]memory|node_modules[\\/]sorted-btree)[\\/]/.test(id)
/** The types are chunks of their own. */
const isCode = (id: string): boolean => !/\.d\.[cm]?ts$/.test(id)

/**
 * Few chunks: each file is one to two milliseconds of a cold start, more than the few kilobytes that an entry could do
 * without. All that two entries share is one, but for the twin.
 */
const codeSplitting = {
  groups: [
    { name: 'core', test: (id: string) => isCode(id) && !isTwin(id), minShareCount: 2, priority: 1 },
    { name: 'twin', test: (id: string) => isCode(id) && isTwin(id) },
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

export default defineConfig([
  {
    ...common,
    // one build for all entries: what they share lands in chunks, so an error class exists once
    entry: {
      index: 'src/index.ts',
      dynamo: 'src/dynamo/index.ts',
      backend: 'src/backend/index.ts',
      recipes: 'src/recipes/index.ts',
      testing: 'src/testing/index.ts',
      cdk: 'infra/cdk/index.ts',
      otel: 'src/otel/index.ts',
    },
    format: ['esm', 'cjs'],
    dts: true,
    plugins: [btreeAsModule],
    outputOptions: { ...common.outputOptions, codeSplitting },
  },
  {
    ...common,
    // by itself: shared with the command line, the library would be in more files, each a millisecond of a cold start
    entry: { index: 'src/cli/index.ts' },
    format: 'esm',
    outDir: 'dist/cli',
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
