// The packed package in projects of its own, with peers from the npm registry.

import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

export const root = resolve(import.meta.dirname, '../../..')

/** A folder for projects that is gone afterwards, with the package as npm packs it. */
export function packed(name: string): { folder: string; tarball: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), `lockrow-${name}-`))
  if (!existsSync(join(root, 'dist/index.mjs')))
    execFileSync('npm', ['run', 'build', '--silent'], { cwd: root, stdio: 'pipe' })
  execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], {
    cwd: root,
    stdio: 'pipe',
  })
  const tarball = join(folder, readdirSync(folder).find((file) => file.endsWith('.tgz'))!)
  return { folder, tarball, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

export interface Ran {
  code: number | null
  out: string
  err: string
}

/** A program in a folder, with nothing of this machine's AWS settings. */
export function run(folder: string, command: string, args: readonly string[], env = {}): Ran {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: folder,
    encoding: 'utf8',
    timeout: 180_000,
    maxBuffer: 2 ** 26,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
  })
  return { code: status, out: stdout.trim(), err: stderr.trim() }
}

/** A project with these files. */
export function project(folder: string, files: Record<string, string>): string {
  mkdirSync(folder, { recursive: true })
  for (const [file, content] of Object.entries({ 'package.json': '{"type":"module"}', ...files }))
    writeFileSync(join(folder, file), content)
  return folder
}

/** Installs as a user does; what is cached is not downloaded again, and no script of a package is run. */
export const install = (folder: string, packages: readonly string[], ...flags: string[]): Ran =>
  run(folder, 'npm', [
    'install',
    '--no-audit',
    '--no-fund',
    '--ignore-scripts',
    '--prefer-offline',
    '--no-save',
    '--loglevel=error',
    ...flags,
    ...packages,
  ])
