import { fileURLToPath } from 'node:url'
import { type BuildResult, build, type Plugin } from 'esbuild'

/** Bundles sources that import the library for a browser: what they need of Node is replaced, or the build fails. */

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** What the library and its streams take of Node, and what stands for it. */
const replaced: Readonly<Record<string, string>> = {
  buffer: here('buffer.ts'),
  'process/': here('process.ts'),
  'node:crypto': here('node-crypto.ts'),
  'node:events': here('node-events.ts'),
  'node:stream': here('node-stream.ts'),
  'node:worker_threads': here('node-worker-threads.ts'),
}

const nodeParts = (stands: Readonly<Record<string, string>>): Plugin => ({
  name: 'node-parts',
  setup(builder) {
    builder.onResolve({ filter: /^(node:.*|buffer|process\/)$/ }, ({ path, importer }) => {
      const by = stands[path]
      return by
        ? { path: by }
        : { errors: [{ text: `${path} has no replacement in a browser (${importer})` }] }
    })
    const entry = /^lockrow(?:\/(\w+))?$/
    builder.onResolve({ filter: entry }, ({ path }) => {
      const [, room] = entry.exec(path)!
      return { path: here(`../../src/${room ? `${room}/` : ''}index.ts`) }
    })
  },
})

/** One file, in which no import is left. */
export const bundleForBrowser = (
  entry: string,
  outfile: string,
  more: Readonly<Record<string, string>> = {},
): Promise<BuildResult<{ metafile: true }>> =>
  build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    minify: true,
    keepNames: true,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2023',
    legalComments: 'linked',
    logLevel: 'silent',
    plugins: [nodeParts({ ...replaced, ...more })],
    inject: [here('globals.ts')],
    nodePaths: [here('../node_modules')],
  })
