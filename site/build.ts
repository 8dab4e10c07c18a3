import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { isReferenceFresh, isSiteFresh } from './freshness.ts'
import { guides, pageOf, playgroundExamples, root } from './pages.ts'
import { bundleForBrowser } from './twin/bundle.ts'

/**
 * `npm run docs:site`: guides, search, playground and API reference as static files in site/dist. With `--if-stale` only
 * where it is older than its sources.
 */

const here = join(root, 'site')
const pages = join(here, '.tmp/pages')
const publicFiles = join(pages, 'public')

function run(command: string, ...args: string[]): void {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with code ${status}`)
}

/** Installed anew when the lock file is newer than what is there. */
function install(): void {
  const [lock, done] = [join(here, 'package-lock.json'), join(here, 'node_modules/.package-lock.json')]
  if (existsSync(done) && statSync(done).mtimeMs >= statSync(lock).mtimeMs) return
  run('npm', 'ci', '--prefix', 'site', '--silent', '--no-audit', '--no-fund')
}

function writePages(): void {
  rmSync(pages, { recursive: true, force: true })
  mkdirSync(publicFiles, { recursive: true })
  cpSync(join(here, 'pages'), pages, { recursive: true })
  for (const path of guides) writeFileSync(join(pages, basename(path)), pageOf(path))
  cpSync(join(root, 'docs/images'), join(pages, 'images'), { recursive: true })
  writeFileSync(join(publicFiles, 'examples.json'), JSON.stringify(playgroundExamples()))
}

/** As `npm run docs` writes it, which takes longer than all the rest. */
function addReference(): void {
  if (!isReferenceFresh()) run('npm', 'run', 'docs', '--silent')
  cpSync(join(root, 'docs/api'), join(here, 'dist/api'), { recursive: true })
}

async function build(): Promise<void> {
  install()
  run('npx', 'tsc', '-p', 'site')
  writePages()
  await bundleForBrowser(join(here, 'playground/worker.ts'), join(publicFiles, 'playground-worker.js'))
  run('npx', '--prefix', 'site', 'vitepress', 'build', 'site')
  addReference()
  console.log('site/dist is ready for any server of static files')
}

if (!process.argv.includes('--if-stale') || !isSiteFresh()) await build()
