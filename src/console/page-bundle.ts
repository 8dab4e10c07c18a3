/** Bundles the page: for the build of the package, and when the sources themselves run. Not part of the package. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** What the document embeds. */
export interface PageAsset {
  script: string
  style: string
}

const file = (name: string): string => fileURLToPath(new URL(`./page/${name}`, import.meta.url))

/** One script without imports, and the styles, both minified. */
export async function bundlePage(): Promise<PageAsset> {
  const { build, transform } = await import('esbuild')
  const { outputFiles } = await build({
    entryPoints: [file('main.tsx')],
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    define: { 'process.env.NODE_ENV': '"production"' },
  })
  const style = await transform(await readFile(file('style.css'), 'utf8'), { loader: 'css', minify: true })
  // Inside of a script element, this would end it.
  const script = outputFiles[0]!.text.replaceAll('</script', '<\\/script')
  return { script: script.trim(), style: style.code.trim() }
}
