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
