import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { optional, versionOf } from './peers.ts'
import { progress } from './terminal.ts'

export interface ImportTimes {
  name: string
  /** From the start of the process, ms, one value per round. */
  total: number[]
  /** The part after the SDK was there. */
  own?: number[]
}

const run = promisify(execFile)

/** Processes that import the SDK's two packages and then something more, in turn, round after round. */
export async function importTimes(
  subjects: readonly { name: string; of?: string; modules: string[] }[],
  rounds: number,
  folder: string,
  notes: string[],
): Promise<ImportTimes[]> {
  const files = subjects.map(({ modules }, i) => {
    const file = join(folder, `import${i}.mjs`)
    const own = modules.map((module) => `await import('${module}')\n`).join('')
    writeFileSync(
      file,
      `await import('@aws-sdk/client-dynamodb')
await import('@aws-sdk/lib-dynamodb')
const sdk = performance.now()
${own}const end = performance.now()
console.log(JSON.stringify([end, end - sdk]))\n`,
    )
    return file
  })
  const once = async (i: number) => {
    const { stdout } = await run(process.execPath, ['--no-warnings', files[i]!], { timeout: 60_000 })
    return JSON.parse(stdout) as [number, number]
  }
  const able: number[] = []
  // The first time warms the disk, and shows who can be imported at all.
  for (const [i, { name, of }] of subjects.entries())
    if (await optional(of ?? name, notes, () => once(i))) able.push(i)
  const measured = able.map((i): ImportTimes => {
    const { name, of, modules } = subjects[i]!
    return {
      name: of ? `${name} ${versionOf(of)}` : name,
      total: [],
      ...(modules.length > 0 && { own: [] }),
    }
  })
  for (let round = 0; round < rounds; round++) {
    progress(`import time: round ${round + 1} of ${rounds}`)
    for (const [place, i] of able.entries()) {
      const [total, own] = await once(i)
      measured[place]!.total.push(total)
      measured[place]!.own?.push(own)
    }
  }
  return measured
}
