import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, resolve } from 'node:path'
import { afterAll, beforeAll } from 'vitest'

/** The built site, and a server of static files. */

export const root = resolve(import.meta.dirname, '../../..')
export const dist = join(root, 'site/dist')

const newest = (path: string): number => {
  if (!existsSync(path)) return 0
  if (!statSync(path).isDirectory()) return statSync(path).mtimeMs
  const within = readdirSync(path).filter((name) => !['node_modules', 'dist', '.tmp', 'api'].includes(name))
  return Math.max(0, ...within.map((name) => newest(join(path, name))))
}

/** Built when it is not there, or older than what it is made of. */
export function buildSite(): void {
  const sources = ['README.md', 'docs', 'src', 'site'].map((path) => newest(join(root, path)))
  const built = newest(join(dist, 'index.html'))
  if (built > Math.max(...sources)) return
  execFileSync('npm', ['run', 'docs:site', '--silent'], { cwd: root, stdio: 'pipe' })
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
