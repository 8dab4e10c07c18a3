import { existsSync } from 'node:fs'
import { defineConfig } from 'tsdown'
import manifest from './package.json' with { type: 'json' }

const entries = {
  index: 'src/index.ts',
  dynamo: 'src/dynamo/index.ts',
  testing: 'src/testing/index.ts',
  cdk: 'infra/cdk/index.ts',
  otel: 'src/otel/index.ts',
  cli: 'src/cli/index.ts',
}

// nothing that npm installs beside us is bundled, nor any of its subpaths
const external = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)].map(
  (name) => new RegExp(`^${name}(/|$)`),
)

export default defineConfig({
  // one build for all entries: what they share lands in chunks, so an error class exists once
  entry: Object.fromEntries(Object.entries(entries).filter(([, file]) => existsSync(file))),
  format: ['esm', 'cjs'],
  outDir: 'dist',
  platform: 'node',
  target: 'node20',
  dts: true,
  sourcemap: true,
  treeshake: true,
  minify: false,
  deps: { neverBundle: external },
})
