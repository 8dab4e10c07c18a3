import { readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { type Patch, patched } from '../../mutants/patch.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const entry = fileURLToPath(new URL('./child.ts', import.meta.url))

/** The drills and the library as one file, with the patches in it. Returns its path. */
export async function bundle(name: string, patches: readonly Patch[]): Promise<string> {
  const outfile = join(root, '.tmp', 'planted', `${name.replace(/[^a-z0-9]+/gi, '-')}.mjs`)
  const open = new Set(patches)
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    logLevel: 'silent',
    plugins: [
      {
        name: 'patches',
        setup({ onLoad }) {
          onLoad({ filter: /\.ts$/ }, async ({ path }) => {
            let contents = await readFile(path, 'utf8')
            for (const patch of patches.filter(({ file }) => file === relative(root, path))) {
              contents = patched(contents, patch)
              open.delete(patch)
            }
            return { contents, loader: 'ts' }
          })
        },
      },
    ],
  })
  for (const { file } of open) throw new Error(`no drill uses ${file}: nothing is planted`)
  return outfile
}
