import { cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { build as buildDist } from 'tsdown'
import config from '../../tsdown.config.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Builds the package as it is published, as `node_modules/lockrow` of this folder. */
export async function buildPackage(folder: string): Promise<void> {
  const target = join(folder, 'node_modules/lockrow')
  mkdirSync(target, { recursive: true })
  cpSync(join(root, 'package.json'), join(target, 'package.json'))
  // The library alone: the command line is built beside it.
  const [library] = config
  await buildDist({
    ...library,
    config: false,
    cwd: root,
    outDir: join(target, 'dist'),
    logLevel: 'error',
    sourcemap: false,
  })
}

/** The bytes of this code with all that it imports, but for the AWS SDK, which everybody has beside it. */
export async function minified(code: string, folder: string): Promise<{ bytes: number; gzip: number }> {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: folder, loader: 'ts' },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    legalComments: 'none',
    logLevel: 'silent',
    external: ['@aws-sdk/*', '@smithy/*', 'aws-sdk'],
  })
  const { contents } = outputFiles[0]!
  return { bytes: contents.length, gzip: gzipSync(contents).length }
}
