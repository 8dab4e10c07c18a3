import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')

/** How many types the compiler instantiates for this file in this folder. */
export function instantiations(code: string, folder: string): number {
  const file = join(folder, 'typed.mts')
  writeFileSync(file, code)
  const flags = ['--noEmit', '--strict', '--skipLibCheck', '--extendedDiagnostics', '--ignoreConfig']
  const shape = ['--module', 'nodenext', '--target', 'es2022', '--lib', 'esnext', '--types', 'node']
  const { stdout, status } = spawnSync(process.execPath, [tsc, ...flags, ...shape, file], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 120_000,
  })
  const count = /^Instantiations:\s+(\d+)/m.exec(stdout)?.[1]
  if (status !== 0 || count === undefined)
    throw new Error(`the file does not compile: ${stdout.slice(0, 300)}`)
  return Number(count)
}
