import { build } from 'esbuild'
import { expect, test } from 'vitest'
import { root } from '../house/sources.ts'

test('the database without the SDK is made of no file of it, nor of node:http', async () => {
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ['src/direct/index.ts'],
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
    metafile: true,
    logLevel: 'silent',
  })
  const files = Object.keys(metafile.inputs)
  expect(files).toContain('src/dynamo/storage.ts')
  expect(
    files.filter((file) => /@aws-sdk|@smithy|sdk-transport|no-sdk-retry|src\/(memory|lru)\//.test(file)),
  ).toEqual([])
  const imported = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path))
  expect(imported.length).toBeGreaterThan(0)
  // Read as an ES module it loads what `fetch` needs, 30 to 40 ms on Node 24.
  expect(imported.filter((path) => /^@|^node:https?$|^https?$/.test(path))).toEqual([])
  expect(outputFiles[0]!.text).not.toMatch(/from "node:(http|https|tls|net)"/)
})
