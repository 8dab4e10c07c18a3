import { build } from 'esbuild'

/** A bundle with all that it imports, and the bytes of each of its sources. */
export interface Bundle {
  contents: Uint8Array
  /** Minified bytes by source file, as esbuild counts them. */
  bytesOf: Readonly<Record<string, number>>
}

/** One minified ES module with everything in it, as a function is deployed. */
export async function bundled(code: string, folder: string): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: code, resolveDir: folder, loader: 'ts' },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    outfile: 'bundle.mjs',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    mainFields: ['module', 'main'],
    legalComments: 'none',
    logLevel: 'silent',
    // The package as it was built: the paths of our own tsconfig.json lead to its sources.
    tsconfigRaw: '{}',
  })
  const [output] = Object.values(metafile.outputs)
  const bytesOf = Object.fromEntries(
    Object.entries(output!.inputs).map(([file, { bytesInOutput }]) => [file, bytesInOutput]),
  )
  const { contents, text } = outputFiles[0]!
  // Packages in CommonJS call require, which a module does not have.
  if (!text.includes('Dynamic require of')) return { contents, bytesOf }
  const require = "import{createRequire}from'node:module';const require=createRequire(import.meta.url);\n"
  return { contents: Buffer.from(require + text), bytesOf }
}
