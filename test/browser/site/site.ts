import { existsSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, resolve } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { isSiteFresh } from '../../../site/freshness.ts'

/** The built site, and a server of static files. */

export const root = resolve(import.meta.dirname, '../../..')
export const dist = join(root, 'site/dist')

/** Tests of an older site would prove nothing. They run side by side, so none of them can build it. */
export function needFreshSite(): void {
  if (!isSiteFresh()) throw new Error('site/dist is older than its sources: npm run docs:site')
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}

/** Serves files of `folder`, and those given by their path, until the tests of the block are over. */
export function serving(
  folder: string,
  more: Readonly<Record<string, string | (() => string)>> = {},
): () => string {
  const bodyOf = (path: string): string | Buffer | undefined => {
    const given = more[path]
    if (given !== undefined) return typeof given === 'string' ? given : given()
    const file = join(folder, path.endsWith('/') ? `${path}index.html` : path)
    return file.startsWith(folder) && existsSync(file) && statSync(file).isFile()
      ? readFileSync(file)
      : undefined
  }
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url!, 'http://x').pathname)
    const body = bodyOf(path)
    const type = types[extname(path) || '.html'] ?? 'application/octet-stream'
    response.writeHead(body === undefined ? 404 : 200, { 'content-type': type }).end(body)
  })
  let address = ''
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return () => address
}
