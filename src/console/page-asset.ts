/**
 * The page's script and styles. The build of the package puts the finished texts in the place of this file; from the
 * sources, for tests and commands of ours, they are bundled when they are first asked for.
 */

import type { PageAsset } from './page-bundle.ts'

let bundled: Promise<PageAsset> | undefined

/** The script and the styles of the page. */
export function pageAsset(): Promise<PageAsset> {
  bundled ??= import('./page-bundle.ts').then(({ bundlePage }) => bundlePage())
  return bundled
}
