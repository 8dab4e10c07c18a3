import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { buildPackage } from './size.ts'

/** The package as it is published: a loader of TypeScript would name every closure anew, each time it is made. */
export interface Built {
  dynamo: typeof import('../../src/dynamo/index.ts')
  direct: typeof import('../../src/direct/index.ts')
}

const bench = fileURLToPath(new URL('..', import.meta.url))

/** Builds the package beside node_modules of the benchmarks, and takes it away again. */
export async function withBuilt<T>(work: (built: Built) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(bench, '.tmp-built-'))
  try {
    await buildPackage(folder)
    const entry = (name: string) =>
      import(pathToFileURL(join(folder, 'node_modules/lockrow/dist', `${name}.mjs`)).href)
    return await work({ dynamo: await entry('dynamo'), direct: await entry('direct') })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
